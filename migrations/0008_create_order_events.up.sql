-- What happened to an order and when. Partitioned by year: an old year is detached and dropped in a moment, where
-- DELETE would leave the work to VACUUM.
--
-- A sequence of its own rather than IDENTITY, which partitioned tables have only since PostgreSQL 17.
CREATE SEQUENCE order_events_id_seq;

CREATE TABLE order_events (
    id          bigint NOT NULL DEFAULT nextval('order_events_id_seq'),
    order_id    bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    kind        text NOT NULL,
    details     jsonb NOT NULL DEFAULT '{}',
    -- A unique constraint of a partitioned table must contain the partition key.
    PRIMARY KEY (id, occurred_at)
) PARTITION BY RANGE (occurred_at);

ALTER SEQUENCE order_events_id_seq OWNED BY order_events.id;

CREATE INDEX order_events_order_id_idx ON order_events (order_id, occurred_at);

-- Bounds in UTC, or they would depend on the time zone of whoever migrates.
CREATE TABLE order_events_2025 PARTITION OF order_events
    FOR VALUES FROM ('2025-01-01 00:00:00+00') TO ('2026-01-01 00:00:00+00');
CREATE TABLE order_events_2026 PARTITION OF order_events
    FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2027-01-01 00:00:00+00');

-- Better an event in the wrong place than an order that fails because nobody made next year's partition.
CREATE TABLE order_events_default PARTITION OF order_events DEFAULT;

-- For the yearly job. Two quotes, one inside the other: the statement that it builds and the function itself.
CREATE FUNCTION ensure_order_events_partition(year integer) RETURNS void
LANGUAGE plpgsql
AS $function$
BEGIN
    EXECUTE format(
        $ddl$
            CREATE TABLE IF NOT EXISTS public.%I PARTITION OF public.order_events
                FOR VALUES FROM (%L) TO (%L)
        $ddl$,
        'order_events_' || year,
        make_timestamptz(year, 1, 1, 0, 0, 0, 'UTC'),
        make_timestamptz(year + 1, 1, 1, 0, 0, 0, 'UTC')
    );
END
$function$;

CREATE FUNCTION record_order_event() RETURNS trigger
LANGUAGE plpgsql
AS $function$
BEGIN
    INSERT INTO public.order_events (order_id, kind, details)
    VALUES (NEW.id, 'status', jsonb_build_object('from', OLD.status, 'to', NEW.status));
    RETURN NULL;
END
$function$;

CREATE TRIGGER orders_record_event AFTER UPDATE OF status ON orders FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION record_order_event();
