CREATE SCHEMA shop;
SET search_path = shop;
CREATE EXTENSION pgcrypto SCHEMA public;
COMMENT ON SCHEMA shop IS 'what is sold';
CREATE TYPE state AS ENUM ('open', 'done', 'a''b\c');
CREATE TYPE size AS (width int, height numeric(8,2), name text COLLATE "C");
COMMENT ON COLUMN size.width IS 'in mm';
CREATE DOMAIN positive AS int DEFAULT 1 NOT NULL CONSTRAINT more CHECK (VALUE > 0);
COMMENT ON CONSTRAINT more ON DOMAIN positive IS 'not nothing';
CREATE TYPE floats AS RANGE (subtype = float8, subtype_diff = float8mi, multirange_type_name = many_floats);
CREATE TYPE shell;
CREATE FUNCTION base_in(cstring) RETURNS shell LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION base_out(shell) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE shell (INPUT = base_in, OUTPUT = base_out, LIKE = int4, CATEGORY = 'X');
CREATE TYPE never;
CREATE SEQUENCE numbers AS smallint START 5 INCREMENT 2 MINVALUE 3 MAXVALUE 99 CACHE 4 CYCLE;
CREATE TABLE customers (id int PRIMARY KEY, name varchar(20) NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key serial,
    customer int REFERENCES customers ON DELETE CASCADE,
    state state NOT NULL DEFAULT 'open',
    total numeric(12,2) CONSTRAINT total_is_positive CHECK (total >= 0),
    double_total numeric GENERATED ALWAYS AS (total * 2) STORED,
    "Name" text COLLATE "C",
    sizes size[],
    at timestamptz DEFAULT '2024-01-01 00:00:00+00',
    EXCLUDE USING gist (tsrange(NULL, NULL) WITH &&)
) WITH (fillfactor = 70, toast.autovacuum_enabled = false);
ALTER TABLE orders ALTER "Name" SET STORAGE EXTERNAL, ALTER "Name" SET STATISTICS 77, ALTER total SET (n_distinct = 5);
ALTER TABLE orders ADD CONSTRAINT later CHECK (key > 0) NOT VALID;
ALTER TABLE orders ADD UNIQUE (key) WITH (fillfactor = 60);
CREATE INDEX orders_state ON orders (state) WHERE total > 0;
CREATE UNIQUE INDEX orders_name ON orders ("Name" DESC NULLS LAST) INCLUDE (id);
CREATE INDEX orders_plain ON orders (customer, at);
CREATE INDEX orders_pattern ON orders ("Name" text_pattern_ops);
CREATE INDEX orders_lower ON orders (lower("Name"));
ALTER INDEX orders_lower ALTER COLUMN 1 SET STATISTICS 55;
CREATE INDEX customers_name ON customers (name);
CREATE INDEX orders_hash ON orders USING hash (state);
ALTER TABLE orders CLUSTER ON orders_plain;
ALTER TABLE customers REPLICA IDENTITY USING INDEX customers_pkey;
COMMENT ON TABLE orders IS E'what was bought,\n\n  and when';
COMMENT ON COLUMN orders.total IS 'in euro';
COMMENT ON INDEX orders_state IS 'x';
COMMENT ON CONSTRAINT later ON orders IS 'soon';
ALTER TABLE orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY everyone ON orders FOR SELECT TO PUBLIC USING (total > 0);
COMMENT ON POLICY everyone ON orders IS 'all';
GRANT SELECT, INSERT ON orders TO PUBLIC;
GRANT UPDATE ("Name") ON orders TO PUBLIC;
CREATE TABLE parts (id int, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE parts_2024 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
CREATE INDEX parts_at ON parts (at);
CREATE TABLE parent (a int, b int);
CREATE UNLOGGED TABLE child (b int, c int) INHERITS (parent);
CREATE TABLE typed OF size;
CREATE VIEW open_orders WITH (security_barrier) AS SELECT id, total FROM orders WHERE state = 'open' WITH CHECK OPTION;
ALTER VIEW open_orders ALTER total SET DEFAULT 7;
CREATE MATERIALIZED VIEW totals AS SELECT sum(total) FROM orders WITH NO DATA;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION touch() FROM PUBLIC;
CREATE TRIGGER touch BEFORE UPDATE OF total ON orders FOR EACH ROW WHEN (OLD.total IS DISTINCT FROM NEW.total) EXECUTE FUNCTION touch();
CREATE CONSTRAINT TRIGGER finally AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION touch('a', 'b');
CREATE TRIGGER touch AFTER UPDATE ON parts FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE parts_2024 DISABLE TRIGGER touch;
ALTER TABLE orders DISABLE TRIGGER finally;
CREATE RULE nothing AS ON DELETE TO customers DO INSTEAD NOTHING;
ALTER TABLE customers DISABLE RULE nothing;
CREATE FUNCTION add(a int, b int DEFAULT 1, OUT c int) LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 5 SET work_mem = '4MB' AS 'SELECT a + b';
CREATE FUNCTION add2(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE RETURN a + b;
CREATE PROCEDURE tidy(INOUT n int) LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE total(int) (SFUNC = add2, STYPE = int, INITCOND = '0', PARALLEL = safe);
CREATE AGGREGATE n(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0');
CREATE FUNCTION same(size, size) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.width = $2.width';
CREATE OPERATOR === (LEFTARG = size, RIGHTARG = size, FUNCTION = same, COMMUTATOR = ===, RESTRICT = eqsel);
CREATE OPERATOR FAMILY sizes USING hash;
CREATE FUNCTION size_hash(size) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1.width';
CREATE OPERATOR CLASS size_ops FOR TYPE size USING hash FAMILY sizes AS OPERATOR 1 ===, FUNCTION 1 size_hash(size);
CREATE FUNCTION size_text(size) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1.name';
CREATE CAST (size AS text) WITH FUNCTION size_text(size) AS ASSIGNMENT;
CREATE COLLATION german (PROVIDER = icu, LOCALE = 'de-x-icu', DETERMINISTIC = false);
CREATE COLLATION posix (LOCALE = 'C');
CREATE DEFAULT CONVERSION latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = simple, STOPWORDS = english);
CREATE TEXT SEARCH CONFIGURATION search (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION search ALTER MAPPING FOR asciiword WITH words, simple;
CREATE TEXT SEARCH PARSER breaker (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE plain (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE FOREIGN DATA WRAPPER remote OPTIONS (debug 'true');
CREATE SERVER far TYPE 'x' VERSION '1' FOREIGN DATA WRAPPER remote OPTIONS (host 'h', apikey 'geheim');
CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (user 'u', password 'geheim');
CREATE FOREIGN TABLE elsewhere (a int OPTIONS (name 'b')) SERVER far OPTIONS ("table" 't');
GRANT USAGE ON FOREIGN SERVER far TO PUBLIC;
CREATE PUBLICATION changes FOR TABLE customers WITH (publish = 'insert');
CREATE STATISTICS pair (ndistinct) ON customer, state FROM orders;
ALTER STATISTICS pair SET STATISTICS 66;
CREATE LANGUAGE pl HANDLER plpgsql_call_handler;
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE TRANSFORM FOR int LANGUAGE pl (FROM SQL WITH FUNCTION pg_catalog.prsd_lextype(internal));
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION watch();
ALTER EVENT TRIGGER watch DISABLE;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE TABLE "odd name.x" ("a""b" int, "select" text);
CREATE INDEX ON "odd name.x" ("a""b", "select");
