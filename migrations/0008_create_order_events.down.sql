DROP TRIGGER orders_record_event ON orders;
DROP FUNCTION record_order_event();
DROP FUNCTION ensure_order_events_partition(integer);

-- Takes its partitions, those that the yearly job made too, and its sequence along.
DROP TABLE order_events;
