-- name: {{name}}_drop_old
-- migrate: lock-timeout 3s
--
-- Phase 2 of 2; only once no running instance says the old name.
--
-- Sequences, indexes and constraints keep the names they were born with; ALTER INDEX … RENAME them here if you like.
-- two-phase: no running instance says the old name
DROP VIEW {{table}};
