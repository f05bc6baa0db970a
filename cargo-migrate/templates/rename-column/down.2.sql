-- migrate: lock-timeout 3s
--
-- The values may stay: they are those of the old column.
ALTER TABLE {{table}}
    DROP CONSTRAINT {{table}}_{{new_column}}_in_sync,
    ADD CONSTRAINT {{table}}_{{new_column}}_in_sync
        CHECK ({{new_column}} IS NOT DISTINCT FROM {{column}}) NOT VALID;
