-- migrate: lock-timeout 3s

DROP TRIGGER orders_set_updated_at ON orders;
DROP TRIGGER products_set_updated_at ON products;
DROP TRIGGER customers_set_updated_at ON customers;

DROP FUNCTION set_updated_at();

ALTER TABLE orders DROP COLUMN updated_at;
ALTER TABLE products DROP COLUMN updated_at;
ALTER TABLE customers DROP COLUMN updated_at;
