-- template: a table with an identity key and a time stamp
CREATE TABLE {{table}} (
    -- GENERATED ALWAYS: an insert that brings its own number is refused, and cannot run ahead of the sequence.
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Name each check: the name is what the application sees in an error.
    name       text NOT NULL CONSTRAINT {{table}}_name_is_there CHECK (btrim(name) <> ''),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- A foreign key needs an index of its own on this side, or deleting the row it points to reads this whole table:
--   CREATE INDEX {{table}}_customer_id_idx ON {{table}} (customer_id);
