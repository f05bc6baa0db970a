-- template: an index that does not hold up writers
--
-- SHARE UPDATE EXCLUSIVE: reads and writes go on. In exchange it reads the table twice, waits for every transaction
-- that is older, and cannot run in a transaction: this migration runs statement by statement, with a journal. Keep
-- other statements out of this file.
--
-- No IF NOT EXISTS: a failed attempt leaves an invalid index of this name, which it would take for a finished one.
CREATE INDEX CONCURRENTLY {{table}}_{{column}}_idx ON {{table}} ({{column}});
