-- name: {{name}}_fill
--
-- Phase 2 of 3, slow: writes every row that nobody touched since phase 1; readers and other writers go on. Beyond some
-- million rows do it in batches before this runs.
--
-- Give the new column its indexes, its constraints and its NOT NULL now (index-concurrently, not-null-column): after
-- phase 3 the old ones are gone.
UPDATE {{table}} SET {{new_column}} = {{column}} WHERE {{new_column}} IS DISTINCT FROM {{column}};

ALTER TABLE {{table}} VALIDATE CONSTRAINT {{table}}_{{new_column}}_in_sync;
