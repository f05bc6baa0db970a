-- template: rename a table while old and new application run: a view keeps the old name (2 migrations)
-- migrate: lock-timeout 3s
--
-- Phase 1 of 2, quick. Both names work from the moment this commits: a view this simple takes INSERT, UPDATE and DELETE
-- and passes them on (not COPY … FROM, not TRUNCATE, not ON CONFLICT with a constraint's name).
ALTER TABLE {{table}} RENAME TO {{new_table}};

-- A view reads with its owner's rights. Where {{new_table}} has row-level security, write
-- WITH (security_invoker = true) before AS (PostgreSQL 15 and later), or the policies do not hold for the old name.
CREATE VIEW {{table}} AS SELECT * FROM {{new_table}};

-- Grants stayed with the table. Repeat for the view those that the application needs:
--   GRANT SELECT, INSERT, UPDATE, DELETE ON {{table}} TO …;
