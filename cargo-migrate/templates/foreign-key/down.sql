-- migrate: lock-timeout 3s
ALTER TABLE {{table}} DROP CONSTRAINT {{table}}_{{column}}_fkey;
