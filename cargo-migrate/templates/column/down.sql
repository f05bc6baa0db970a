-- migrate: lock-timeout 3s
--
-- What was written to the column since is gone. To keep it take the template drop-column, whose archive brings it back.
ALTER TABLE {{table}} DROP COLUMN {{column}};
