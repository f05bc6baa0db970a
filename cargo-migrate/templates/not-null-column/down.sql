-- migrate: lock-timeout 3s
ALTER TABLE {{table}} DROP COLUMN {{column}};
