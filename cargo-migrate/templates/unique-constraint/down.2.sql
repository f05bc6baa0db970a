-- Dropping the constraint drops its index, which was there before phase 2. So a second one is made first: at no moment
-- can a value come in twice.
CREATE UNIQUE INDEX CONCURRENTLY {{table}}_{{column}}_key_again ON {{table}} ({{column}});
ALTER TABLE {{table}} DROP CONSTRAINT {{table}}_{{column}}_key;
ALTER INDEX {{table}}_{{column}}_key_again RENAME TO {{table}}_{{column}}_key;
