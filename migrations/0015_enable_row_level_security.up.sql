-- migrate: lock-timeout 3s
--
-- The customer's own web session sees the customer's own rows, whatever a query forgets to say. The application sets
-- shop.customer_id for each request; the owner of the tables (jobs, migrations) is not restricted.

-- Nobody is signed in where the setting is missing or empty: then no row is visible, and nothing fails.
CREATE FUNCTION current_customer_id() RETURNS bigint
LANGUAGE sql STABLE
RETURN nullif(current_setting('shop.customer_id', true), '')::bigint;

ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
ALTER TABLE addresses ENABLE ROW LEVEL SECURITY;
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;

-- (SELECT …), so that the function is called once for the statement and not once for the row.
CREATE POLICY customers_own ON customers
    USING (id = (SELECT current_customer_id()));

CREATE POLICY addresses_own ON addresses
    USING (customer_id = (SELECT current_customer_id()))
    WITH CHECK (customer_id = (SELECT current_customer_id()));

CREATE POLICY orders_read_own ON orders FOR SELECT
    USING (customer_id = (SELECT current_customer_id()));

CREATE POLICY orders_place_own ON orders FOR INSERT
    WITH CHECK (customer_id = (SELECT current_customer_id()));

-- Restrictive: holds in addition to whatever permissive policy is added later.
CREATE POLICY orders_start_pending ON orders AS RESTRICTIVE FOR INSERT
    WITH CHECK (status = 'pending');
