-- migrate: lock-timeout 3s
--
-- Refused where rows came in without a value since; fill them first. Reads the whole table under ACCESS EXCLUSIVE.
ALTER TABLE {{table}} ALTER COLUMN {{column}} SET NOT NULL;
