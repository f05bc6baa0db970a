-- Statements that are hard to tell apart: each case broke a splitter somewhere.
CREATE TABLE a$b$c (d$ int, "e;f" text DEFAULT ';', "g""h;" int);
SELECT name'x\' AS n; SELECT E'it\'s; one' || E'a\\'
  'b;' -- it's a comment; inside
  ';c';
SELECT U&'d\0061t;' || U&'!0041;' UESCAPE '!', U&"a;""b" FROM (SELECT 1 AS U&"a;""b") t;
SELECT B'1' <> X'1F', N'n;', 1.+.2 -- ; not here
  /* nor /* nested; */ here; */ + 1;
SELECT $$a;$$, $größe$ $$;$gr$; $größe$, $_1$;$_1$ ;
SELECT 1 +-- ;
  2, 3 */* ; */ 4, '--;' , "a" FROM (SELECT 1) AS x("a");;
CREATE FUNCTION f1(a int DEFAULT (1)) RETURNS int LANGUAGE sql
BEGIN ATOMIC
  SELECT CASE WHEN a > 1 THEN CASE a WHEN 2 THEN 3 END ELSE 4 END;
  SELECT 1 AS "end;", (SELECT 2 AS "END");
  SELECT a;
END;
CREATE OR REPLACE PROCEDURE p1() BEGIN ATOMIC END;
CREATE FUNCTION f2() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF NEW.a IS NULL THEN RAISE EXCEPTION 'no; a'; END IF; -- $$ ;
  RETURN NEW;
END;
$body$;
CREATE RULE r1 AS ON INSERT TO a$b$c DO ALSO (
  INSERT INTO log VALUES (1); DELETE FROM log WHERE (x = ';')
);
CREATE SCHEMA s1
  CREATE TABLE t (a int)
  CREATE VIEW v AS SELECT a FROM t;
DO $$ BEGIN PERFORM 1; COMMIT; END $$;
SELECT * FROM begin atomic;
COPY a$b$c (d$) FROM STDIN WITH (FORMAT text); -- data follows
1;
'2
-- 3
\.
SELECT 'behind the data';
COPY s1.t FROM STDIN;
\.
SELECT a[1:2], a::int, x"y" FROM (SELECT ARRAY[1, 2], 1) AS t(a, x)
