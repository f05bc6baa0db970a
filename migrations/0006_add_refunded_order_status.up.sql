-- Quick and without a lock on any table. The new value cannot be *used* before this transaction has committed,
-- which is why nothing else stands here.
ALTER TYPE order_status ADD VALUE 'refunded' AFTER 'delivered';
