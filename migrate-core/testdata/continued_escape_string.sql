-- An escape string that goes on in the next line is still one for the server. psql, which reads line by line, is wrong.
SELECT E'a'
  'b\'; still one' -- it's a comment; inside
  '\\';
SELECT e''
'\';';
SELECT 'plain'
'\';
