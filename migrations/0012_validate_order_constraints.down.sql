-- migrate: lock-timeout 3s
--
-- A constraint cannot be made NOT VALID again: each is dropped and added anew. The values that the up found stay where
-- they are; they are right, and 0011's down takes the column with it.
ALTER TABLE orders
    DROP CONSTRAINT orders_coupon_id_fkey,
    DROP CONSTRAINT orders_fulfilment_is_known,
    ALTER COLUMN fulfilment DROP NOT NULL,
    ADD CONSTRAINT orders_coupon_id_fkey FOREIGN KEY (coupon_id) REFERENCES coupons ON DELETE SET NULL NOT VALID,
    ADD CONSTRAINT orders_fulfilment_is_known CHECK (fulfilment IN ('delivery', 'pickup')) NOT VALID,
    ADD CONSTRAINT orders_fulfilment_is_there CHECK (fulfilment IS NOT NULL) NOT VALID;
