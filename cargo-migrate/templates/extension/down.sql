-- Refused while a column or an index uses it.
DROP EXTENSION {{extension}};
