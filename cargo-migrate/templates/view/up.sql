-- template: a view
--
-- Name the columns: a * is expanded now and does not grow with the table. A view reads with its owner's rights, past
-- the row-level security of the reader; WITH (security_invoker = true) before AS changes that (PostgreSQL 15).
--
-- To change a view later: CREATE OR REPLACE can only add columns at the end; for anything else DROP and CREATE in one
-- migration, with the earlier definition in its down, and the grants again in both.
CREATE VIEW {{view}} AS
SELECT {{columns:*}}
FROM {{table}};
