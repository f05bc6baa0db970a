-- migrate: lock-timeout 3s
--
-- A constraint cannot be made NOT VALID again, only made anew. The values may stay: phase 1's down drops them.
ALTER TABLE {{table}}
    DROP CONSTRAINT {{table}}_{{column}}_is_there,
    ADD CONSTRAINT {{table}}_{{column}}_is_there CHECK ({{column}} IS NOT NULL) NOT VALID;
