-- name: {{name}}
-- migrate: lock-timeout 3s
--
-- Phase 2 of 2; only once no running instance uses the column. The lock first, so that nothing is written between the
-- copy and the drop; on a large table the copy takes a while, and readers wait for it.
LOCK TABLE {{table}} IN ACCESS EXCLUSIVE MODE;

-- Nobody can compute the values back. Drop the archive in a later migration, when nobody wants to go back any more.
CREATE TABLE {{table}}_{{column}}_archive AS
SELECT {{key:id}}, {{column}} FROM {{table}} WHERE {{column}} IS NOT NULL;

-- two-phase: after {{name}}_prepare, when no running instance uses the column any more
ALTER TABLE {{table}} DROP COLUMN {{column}};
