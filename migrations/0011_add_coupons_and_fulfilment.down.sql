-- migrate: lock-timeout 3s

-- Constraints go with their columns.
ALTER TABLE orders DROP COLUMN fulfilment, DROP COLUMN coupon_id;
DROP TABLE coupons;
