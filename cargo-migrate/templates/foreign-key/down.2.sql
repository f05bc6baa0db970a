-- migrate: lock-timeout 3s
--
-- A constraint cannot be made NOT VALID again, only made anew. Keep it the same as in phase 1.
ALTER TABLE {{table}}
    DROP CONSTRAINT {{table}}_{{column}}_fkey,
    ADD CONSTRAINT {{table}}_{{column}}_fkey FOREIGN KEY ({{column}}) REFERENCES {{references}}
        ON DELETE {{on_delete:NO ACTION}} NOT VALID;
