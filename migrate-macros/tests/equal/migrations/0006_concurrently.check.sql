-- migrate: statement-timeout 250ms
-- migrate: before
-- no two
-- of one kind
SELECT 1 WHERE false;
SELECT true;
-- migrate: after
VALUES (true);
