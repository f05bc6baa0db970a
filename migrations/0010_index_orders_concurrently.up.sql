-- Both tables are written to all day: a plain CREATE INDEX would hold up every order until it is done. CONCURRENTLY
-- cannot run in a transaction, so this file holds nothing else and runs statement by statement, with a journal.
--
-- No IF NOT EXISTS: it would take the invalid index of a failed attempt for a finished one.

-- The packing list: paid and not shipped, oldest first.
CREATE INDEX CONCURRENTLY orders_to_ship_idx ON orders (placed_at) INCLUDE (customer_id) WHERE status = 'paid';

-- "Who bought this?" for recalls.
CREATE INDEX CONCURRENTLY order_items_product_id_idx ON order_items (product_id);
