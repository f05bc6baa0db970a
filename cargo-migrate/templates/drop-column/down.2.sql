-- migrate: lock-timeout 3s
--
-- The column comes back at the end of the table, without the indexes and constraints that it had; add them here.
ALTER TABLE {{table}} ADD COLUMN {{column}} {{type:text}};

UPDATE {{table}} AS t
SET {{column}} = a.{{column}}
FROM {{table}}_{{column}}_archive AS a
WHERE a.{{key:id}} = t.{{key:id}};

DROP TABLE {{table}}_{{column}}_archive;
