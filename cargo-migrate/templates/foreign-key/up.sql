-- template: a foreign key on a table in use: NOT VALID, then VALIDATE (2 migrations)
-- migrate: lock-timeout 3s
--
-- Phase 1 of 2, quick: SHARE ROW EXCLUSIVE on both tables, which holds up writers of both but for a moment only. New
-- rows are checked from here on.
--
-- Choose ON DELETE: NO ACTION refuses, CASCADE deletes these rows too, SET NULL forgets the connection. And see to an
-- index on {{table}} ({{column}}): without one each DELETE over there reads this whole table (index-concurrently).
ALTER TABLE {{table}}
    ADD CONSTRAINT {{table}}_{{column}}_fkey FOREIGN KEY ({{column}}) REFERENCES {{references}}
        ON DELETE {{on_delete:NO ACTION}} NOT VALID;
