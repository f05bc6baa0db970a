-- migrate: allow schema-and-data the lock comes last, for a moment, and no trigger of orders is deferred
--
-- The second half of 0011. VALIDATE reads the whole table under SHARE UPDATE EXCLUSIVE: orders go on being placed.
SET LOCAL shop.keep_updated_at = 'on';

-- One statement is right for the rows that this shop has. With millions of them it would be done in batches outside.
UPDATE orders
SET fulfilment = CASE WHEN shipping_address_id IS NULL THEN 'pickup' ELSE 'delivery' END
WHERE fulfilment IS NULL;

ALTER TABLE orders VALIDATE CONSTRAINT orders_coupon_id_fkey;
ALTER TABLE orders VALIDATE CONSTRAINT orders_fulfilment_is_known;
ALTER TABLE orders VALIDATE CONSTRAINT orders_fulfilment_is_there;

-- SET NOT NULL sees the validated check and does not read the table again; then the check has done its work.
ALTER TABLE orders ALTER COLUMN fulfilment SET NOT NULL;
ALTER TABLE orders DROP CONSTRAINT orders_fulfilment_is_there;
