-- migrate: lock-timeout 3s
ALTER TABLE {{table}} DROP CONSTRAINT {{table}}_{{constraint:check}};
