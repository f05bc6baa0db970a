-- template: an extension
--
-- Trusted ones (pgcrypto, citext, pg_trgm, btree_gist, hstore, …) need only CREATE on the database, others a
-- superuser. A down must not drop what its up did not make: where an administrator installs the extension, say
-- IF NOT EXISTS here, delete the down file and mark this one with the directive `irreversible` and the reason.
CREATE EXTENSION {{extension}};
