-- Random bytes and digests for the API tokens of 0018. Trusted since PostgreSQL 13: the owner of the database may
-- create it, no superuser needed.
--
-- Without IF NOT EXISTS on purpose: where somebody else installed it, our down would drop what is not ours.
CREATE EXTENSION pgcrypto;
