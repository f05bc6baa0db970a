-- template: a nullable column, or one with a constant default
-- migrate: lock-timeout 3s
--
-- ACCESS EXCLUSIVE, but only for a moment: no row is read or written, also with a DEFAULT that is constant or stable
-- (now()). A volatile one (gen_random_uuid(), nextval()) rewrites the whole table under that lock; so does STORED.
-- For NOT NULL without a constant default take the template not-null-column.
ALTER TABLE {{table}} ADD COLUMN {{column}} {{type:text}};
