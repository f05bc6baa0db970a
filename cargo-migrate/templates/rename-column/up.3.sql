-- name: {{name}}_drop_old
-- migrate: lock-timeout 3s
--
-- Phase 3 of 3, quick; only once no running instance says the old name.
-- two-phase: after {{name}}_fill, when none does
DROP TRIGGER {{table}}_sync_{{new_column}} ON {{table}};
DROP FUNCTION {{table}}_sync_{{new_column}}();

-- The check names both columns and goes with this one. Indexes on it go too.
ALTER TABLE {{table}} DROP COLUMN {{column}};
