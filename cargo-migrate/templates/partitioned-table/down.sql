-- Partitions and the sequence go along, no CASCADE needed.
DROP TABLE {{table}};
