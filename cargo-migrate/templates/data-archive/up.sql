-- template: delete rows and keep them in an archive table, from which the down restores them
--
-- LIKE takes columns and NOT NULL, but no keys, defaults or triggers: an archive takes what it gets.
CREATE TABLE {{table}}_archive (LIKE {{table}});

-- One statement, so that exactly the rows that go are the rows that are kept, whatever others write meanwhile.
-- Rows of other tables that ON DELETE CASCADE takes along are not kept: archive them first, in the same way.
WITH gone AS (
    DELETE FROM {{table}} WHERE {{where:false}} RETURNING *
)
INSERT INTO {{table}}_archive SELECT * FROM gone;
