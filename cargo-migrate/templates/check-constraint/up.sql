-- template: a check on a table in use: NOT VALID, then VALIDATE (2 migrations)
-- migrate: lock-timeout 3s
--
-- Phase 1 of 2, quick: ACCESS EXCLUSIVE, but no row is read. New and changed rows are checked from here on: an UPDATE
-- of an old row that breaks the rule fails too, whatever column it changes.
--
-- A check that comes out as NULL passes: say IS NOT NULL where that is meant.
ALTER TABLE {{table}} ADD CONSTRAINT {{table}}_{{constraint:check}} CHECK ({{check:true}}) NOT VALID;
