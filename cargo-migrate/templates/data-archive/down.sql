-- The rows get the numbers that they had (OVERRIDING SYSTEM VALUE is for identity columns). Where the table has
-- generated columns, name all others in both lists: a generated column takes no value.
INSERT INTO {{table}} OVERRIDING SYSTEM VALUE SELECT * FROM {{table}}_archive;

DROP TABLE {{table}}_archive;
