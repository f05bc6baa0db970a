-- migrate: lock-timeout 3s
DROP TRIGGER {{table}}_{{name}} ON {{table}};
DROP FUNCTION {{table}}_{{name}}();
