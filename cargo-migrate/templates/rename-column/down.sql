-- migrate: lock-timeout 3s
DROP TRIGGER {{table}}_sync_{{new_column}} ON {{table}};
DROP FUNCTION {{table}}_sync_{{new_column}}();

-- The constraint goes with the column.
ALTER TABLE {{table}} DROP COLUMN {{new_column}};
