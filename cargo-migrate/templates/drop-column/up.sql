-- template: drop a column that a running application may still write: first optional, then gone (2 migrations)
-- name: {{name}}_prepare
-- migrate: lock-timeout 3s
--
-- Phase 1 of 2, quick: instances that no longer know the column can insert without it. Where it is nullable or has a
-- default this phase is not needed: delete both files.
--
-- Beware of a client that says SELECT *: it notices in phase 2.
ALTER TABLE {{table}} ALTER COLUMN {{column}} DROP NOT NULL;
