-- migrate: no-transaction
DROP INDEX CONCURRENTLY cr_id;
SELECT 1;
