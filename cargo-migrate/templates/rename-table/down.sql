-- migrate: lock-timeout 3s
DROP VIEW {{table}};
ALTER TABLE {{new_table}} RENAME TO {{table}};
