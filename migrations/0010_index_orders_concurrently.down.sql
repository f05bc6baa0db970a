-- IF EXISTS: an up that failed half-way left one of them or none.
DROP INDEX CONCURRENTLY IF EXISTS order_items_product_id_idx;
DROP INDEX CONCURRENTLY IF EXISTS orders_to_ship_idx;
