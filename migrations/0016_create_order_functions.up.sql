-- A standard body (PostgreSQL 14): parsed here and now, so that a table it needs cannot be dropped under it, and it
-- means the same whatever the caller's search_path is.
CREATE FUNCTION reporting.customer_value(customer bigint, in_currency currency_code)
RETURNS TABLE (orders bigint, revenue numeric, tier text)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT
        count(*),
        coalesce(sum(t.total), 0),
        CASE
            WHEN coalesce(sum(t.total), 0) >= 1000 THEN 'gold'
            WHEN count(*) >= 10 THEN 'silver'
            ELSE 'standard'
        END
    FROM reporting.order_totals AS t
    WHERE t.customer_id = customer AND t.currency = in_currency AND t.status <> 'cancelled';
END;

-- A customer may cancel what is not paid yet, though no policy lets a customer update an order. Runs as its owner, so:
-- a search_path of its own, every name qualified, and nobody may call it who was not told so.
CREATE FUNCTION cancel_order(order_number bigint) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    UPDATE public.orders AS o
    SET status = 'cancelled'
    WHERE o.number = order_number
        AND o.customer_id = public.current_customer_id()
        AND o.status = 'pending';
    RETURN FOUND;
END
$function$;

REVOKE EXECUTE ON FUNCTION cancel_order(bigint) FROM PUBLIC;

CREATE PROCEDURE reporting.refresh()
LANGUAGE plpgsql
AS $procedure$
BEGIN
    REFRESH MATERIALIZED VIEW CONCURRENTLY reporting.daily_revenue;
END
$procedure$;
