COMMENT ON CONSTRAINT subscriptions_one_at_a_time ON subscriptions IS NULL;
COMMENT ON INDEX orders_to_ship_idx IS NULL;
COMMENT ON FUNCTION cancel_order(bigint) IS NULL;
COMMENT ON TYPE order_status IS NULL;
COMMENT ON COLUMN order_items.unit_price IS NULL;
COMMENT ON COLUMN orders.number IS NULL;
COMMENT ON TABLE orders IS NULL;
COMMENT ON SCHEMA reporting IS NULL;

REVOKE EXECUTE ON PROCEDURE reporting.refresh() FROM pg_monitor;
GRANT EXECUTE ON PROCEDURE reporting.refresh() TO PUBLIC;

REVOKE SELECT (id, category_id, sku, name, description, price, currency) ON products FROM PUBLIC;

ALTER DEFAULT PRIVILEGES IN SCHEMA reporting REVOKE SELECT ON TABLES FROM pg_monitor;

REVOKE SELECT ON reporting.order_totals, reporting.daily_revenue FROM pg_monitor;
REVOKE USAGE ON SCHEMA reporting FROM pg_monitor;
