-- name: {{name}}_set_not_null
-- migrate: lock-timeout 3s
--
-- Phase 3 of 3, quick: SET NOT NULL finds the validated check and does not read the table (PostgreSQL 12 and later).
-- Two statements, for in one the check would be gone before it is looked for.
ALTER TABLE {{table}} ALTER COLUMN {{column}} SET NOT NULL;
ALTER TABLE {{table}} DROP CONSTRAINT {{table}}_{{column}}_is_there;
