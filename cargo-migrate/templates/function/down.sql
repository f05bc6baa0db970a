-- With the types of its arguments: there may be others of this name. Where the up replaces a function (CREATE OR
-- REPLACE), put the earlier text here instead.
DROP FUNCTION {{function}}();
