-- migrate: lock-timeout 3s
--
-- now() is evaluated once, so that no table is rewritten: existing rows count as updated by this migration.
ALTER TABLE customers ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE products ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE orders ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();

CREATE FUNCTION set_updated_at() RETURNS trigger
LANGUAGE plpgsql
AS $function$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$function$;

-- A migration that tidies up old rows says SET LOCAL shop.keep_updated_at = 'on': the rows did not change for anyone
-- outside, and whoever synchronises by `updated_at` should not fetch all of them again.
CREATE TRIGGER customers_set_updated_at BEFORE UPDATE ON customers FOR EACH ROW
    WHEN (current_setting('shop.keep_updated_at', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION set_updated_at();

CREATE TRIGGER products_set_updated_at BEFORE UPDATE ON products FOR EACH ROW
    WHEN (current_setting('shop.keep_updated_at', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION set_updated_at();

CREATE TRIGGER orders_set_updated_at BEFORE UPDATE ON orders FOR EACH ROW
    WHEN (current_setting('shop.keep_updated_at', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION set_updated_at();
