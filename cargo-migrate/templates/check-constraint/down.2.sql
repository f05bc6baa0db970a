-- migrate: lock-timeout 3s
--
-- A constraint cannot be made NOT VALID again, only made anew. Keep it the same as in phase 1.
ALTER TABLE {{table}}
    DROP CONSTRAINT {{table}}_{{constraint:check}},
    ADD CONSTRAINT {{table}}_{{constraint:check}} CHECK ({{check:true}}) NOT VALID;
