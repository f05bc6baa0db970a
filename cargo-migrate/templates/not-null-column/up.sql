-- template: a NOT NULL column on a table in use: add, fill and validate, set NOT NULL (3 migrations)
-- migrate: lock-timeout 3s
--
-- Phase 1 of 3, quick: three changes of the catalog under ACCESS EXCLUSIVE. From here on every new row has a value; the
-- application may start to write the column.
ALTER TABLE {{table}}
    ADD COLUMN {{column}} {{type:text}},
    ADD CONSTRAINT {{table}}_{{column}}_is_there CHECK ({{column}} IS NOT NULL) NOT VALID;

-- Not part of ADD COLUMN: old rows get their value in phase 2, which may be another than that of new rows.
ALTER TABLE {{table}} ALTER COLUMN {{column}} SET DEFAULT {{default:''}};
