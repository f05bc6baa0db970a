-- migrate: lock-timeout 3s
--
-- Reads the table once, for the check that was validated before phase 3.
ALTER TABLE {{table}} ADD CONSTRAINT {{table}}_{{column}}_is_there CHECK ({{column}} IS NOT NULL);
ALTER TABLE {{table}} ALTER COLUMN {{column}} DROP NOT NULL;
