-- name: {{name}}_fill
--
-- Phase 2 of 3, slow: reads and writes every row, and blocks no reader and no other row's writer (ROW EXCLUSIVE, then
-- SHARE UPDATE EXCLUSIVE). One UPDATE is right up to some million rows; beyond that fill in batches before this runs,
-- so that this UPDATE finds nothing left to do:
--   UPDATE {{table}} SET {{column}} = … WHERE id BETWEEN … AND … AND {{column}} IS NULL;
UPDATE {{table}} SET {{column}} = {{default:''}} WHERE {{column}} IS NULL;

ALTER TABLE {{table}} VALIDATE CONSTRAINT {{table}}_{{column}}_is_there;
