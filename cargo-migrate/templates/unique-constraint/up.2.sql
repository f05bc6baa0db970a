-- name: {{name}}
-- migrate: lock-timeout 3s
--
-- Phase 2 of 2, quick: the finished index becomes the constraint (ACCESS EXCLUSIVE for a moment). A foreign key and
-- ON CONFLICT ON CONSTRAINT want a constraint; where neither is needed phase 1 alone is enough.
ALTER TABLE {{table}} ADD CONSTRAINT {{table}}_{{column}}_key UNIQUE USING INDEX {{table}}_{{column}}_key;
