-- template: a unique constraint on a table in use: concurrent index, then USING INDEX (2 migrations)
-- name: {{name}}_index
--
-- Phase 1 of 2, slow: blocks nobody (SHARE UPDATE EXCLUSIVE). Fails where the values are not unique, and says which.
CREATE UNIQUE INDEX CONCURRENTLY {{table}}_{{column}}_key ON {{table}} ({{column}});
