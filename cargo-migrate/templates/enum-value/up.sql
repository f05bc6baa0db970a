-- template: a new value of an enum, with a down that swaps the type
--
-- Locks no table and takes no time. A transaction cannot use a value that it added itself, so whatever uses it (an
-- UPDATE, a partial index, a view) belongs in a later migration. BEFORE or AFTER another value decides where it sorts.
ALTER TYPE {{type}} ADD VALUE '{{value}}';
