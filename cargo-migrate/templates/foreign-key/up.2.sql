-- name: {{name}}_validate
--
-- Phase 2 of 2, slow: reads the old rows under SHARE UPDATE EXCLUSIVE here and ROW SHARE there: nobody waits. Rows that
-- point nowhere make it fail; find them first:
--   SELECT t.* FROM {{table}} AS t
--   WHERE t.{{column}} IS NOT NULL AND NOT EXISTS (SELECT FROM {{references}} AS r WHERE r.id = t.{{column}});
ALTER TABLE {{table}} VALIDATE CONSTRAINT {{table}}_{{column}}_fkey;
