-- template: a table partitioned by time
--
-- A sequence of its own: partitioned tables have IDENTITY only since PostgreSQL 17.
CREATE SEQUENCE {{table}}_id_seq;

CREATE TABLE {{table}} (
    id         bigint NOT NULL DEFAULT nextval('{{table}}_id_seq'),
    created_at timestamptz NOT NULL DEFAULT now(),
    -- A unique constraint must contain the partition key.
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);

ALTER SEQUENCE {{table}}_id_seq OWNED BY {{table}}.id;

-- The end is exclusive. Bounds with an offset, or they depend on the time zone of whoever migrates. An index that is
-- made on {{table}} is made on each partition; CONCURRENTLY works only partition by partition (ON ONLY, then ATTACH).
CREATE TABLE {{table}}_{{year:2026}} PARTITION OF {{table}}
    FOR VALUES FROM ('{{year:2026}}-01-01 00:00:00+00') TO ('{{next_year:2027}}-01-01 00:00:00+00');

-- Takes what has no partition instead of refusing it. A new partition must then be proven free of rows in here, so
-- make next year's before there are any.
CREATE TABLE {{table}}_default PARTITION OF {{table}} DEFAULT;
