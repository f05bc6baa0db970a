-- Roles belong to the cluster, not to this database: a migration that creates one fights with every other database
-- there. What is granted here is granted to roles that every server has.
GRANT USAGE ON SCHEMA reporting TO pg_monitor;
GRANT SELECT ON reporting.order_totals, reporting.daily_revenue TO pg_monitor;

-- What is added to the schema later is readable too. Holds for objects that this same role creates.
ALTER DEFAULT PRIVILEGES IN SCHEMA reporting GRANT SELECT ON TABLES TO pg_monitor;

-- The price list is public; column by column, so that a column added later is not.
GRANT SELECT (id, category_id, sku, name, description, price, currency) ON products TO PUBLIC;

-- A procedure is open to everybody until somebody says otherwise.
REVOKE EXECUTE ON PROCEDURE reporting.refresh() FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE reporting.refresh() TO pg_monitor;

COMMENT ON SCHEMA reporting IS 'Read-only views for finance and support.';
COMMENT ON TABLE orders IS 'One row for each order placed; lines in order_items, history in order_events.';
COMMENT ON COLUMN orders.number IS 'The number that the customer knows. Not the primary key.';
COMMENT ON COLUMN order_items.unit_price IS 'Price at the time of the order, in orders.currency.';
COMMENT ON TYPE order_status IS 'pending, paid, shipped, delivered; or cancelled before it was paid, refunded after.';
COMMENT ON FUNCTION cancel_order(bigint) IS 'Cancels a pending order of the signed-in customer; false: there is none.';
COMMENT ON INDEX orders_to_ship_idx IS 'The packing list: paid and not shipped, oldest first.';
COMMENT ON CONSTRAINT subscriptions_one_at_a_time ON subscriptions IS 'A customer''s subscriptions do not overlap.';
