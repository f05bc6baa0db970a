-- name: {{name}}_validate
--
-- Phase 2 of 2, slow: reads the old rows under SHARE UPDATE EXCLUSIVE, so reads and writes go on. Find those that would
-- make it fail first:
--   SELECT * FROM {{table}} WHERE NOT ({{check:true}});
ALTER TABLE {{table}} VALIDATE CONSTRAINT {{table}}_{{constraint:check}};
