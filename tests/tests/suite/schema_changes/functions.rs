//! Functions, procedures and aggregates.

use super::{Topic, change};

pub const TOPIC: Topic = Topic {
    name: "functions",
    setup: r"
        CREATE TABLE rows (a int, b text);
        CREATE FUNCTION one(a int) RETURNS int LANGUAGE sql AS 'SELECT a';
        CREATE FUNCTION numbered(a int) RETURNS int LANGUAGE sql AS 'SELECT $1';
        CREATE FUNCTION set_of() RETURNS SETOF int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION careful(a int) RETURNS int LANGUAGE sql IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 5
            SET search_path = pg_catalog AS 'SELECT a';
        CREATE FUNCTION helper(internal) RETURNS internal LANGUAGE internal STRICT AS 'textlike_support';
        CREATE PROCEDURE doing(a int) LANGUAGE sql AS 'SELECT a';
        CREATE FUNCTION add_up(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $2';
        CREATE FUNCTION add_up_to(bigint, int) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $2';
        CREATE FUNCTION take_off(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2';
        CREATE FUNCTION finish(int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1::text';
        CREATE FUNCTION finish_extra(int, int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1::text';
        CREATE AGGREGATE total(int) (sfunc = add_up, stype = int);
        CREATE FUNCTION from_sql(internal) RETURNS internal LANGUAGE internal IMMUTABLE STRICT AS 'prsd_lextype';
        CREATE TRANSFORM FOR money LANGUAGE plpgsql (FROM SQL WITH FUNCTION from_sql(internal));
        CREATE SCHEMA functions_elsewhere;
        CREATE EXTENSION IF NOT EXISTS pgcrypto SCHEMA functions_elsewhere;
    ",
    changes: &[
        change("CREATE FUNCTION", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION f"),
        change("CREATE FUNCTION, several lines", "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$\nBEGIN\n  -- $x$ 'quoted'\n\n  PERFORM 1; \r\nEND\n$$", "DROP FUNCTION f"),
        change("CREATE FUNCTION, overloaded", "CREATE FUNCTION one(a text) RETURNS text LANGUAGE sql AS 'SELECT a'", "DROP FUNCTION one(text)"),
        change("CREATE FUNCTION DEFAULT", "CREATE FUNCTION f(a int, b int DEFAULT 7, c text DEFAULT 'it''s') RETURNS int LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION f"),
        change("CREATE FUNCTION OUT INOUT", "CREATE FUNCTION f(a int, OUT b int, INOUT c text) LANGUAGE sql AS 'SELECT 1, c'", "DROP FUNCTION f"),
        change("CREATE FUNCTION VARIADIC", "CREATE FUNCTION f(VARIADIC a int[]) RETURNS int LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION f"),
        change("CREATE FUNCTION RETURNS TABLE", "CREATE FUNCTION f() RETURNS TABLE (x int, y text) LANGUAGE sql AS 'SELECT a, b FROM functions.rows'", "DROP FUNCTION f"),
        change("CREATE FUNCTION RETURNS SETOF", "CREATE FUNCTION f() RETURNS SETOF rows LANGUAGE sql ROWS 50 AS 'SELECT * FROM functions.rows'", "DROP FUNCTION f"),
        change("CREATE FUNCTION WINDOW", "CREATE FUNCTION f() RETURNS bigint LANGUAGE internal WINDOW AS 'window_row_number'", "DROP FUNCTION f"),
        change("CREATE FUNCTION IMMUTABLE", "CREATE FUNCTION f() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'", "DROP FUNCTION f"),
        change("CREATE FUNCTION SECURITY DEFINER", "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'", "DROP FUNCTION f"),
        change("CREATE FUNCTION BEGIN ATOMIC", "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM rows; END", "DROP FUNCTION f"),
        change("CREATE FUNCTION RETURN", "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN a + 1", "DROP FUNCTION f"),
        change("CREATE FUNCTION TRANSFORM", "CREATE FUNCTION f(a money) RETURNS money TRANSFORM FOR TYPE money LANGUAGE plpgsql AS 'BEGIN RETURN a; END'", "DROP FUNCTION f"),
        change("CREATE FUNCTION of a library", "CREATE FUNCTION f() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler'", "DROP FUNCTION f"),
        change("CREATE FUNCTION SET FROM CURRENT", "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path FROM CURRENT AS 'SELECT 1'", "DROP FUNCTION f"),
        change("CREATE OR REPLACE FUNCTION, its body", "CREATE OR REPLACE FUNCTION one(a int) RETURNS int LANGUAGE sql AS 'SELECT a + 1'", "CREATE OR REPLACE FUNCTION one(a int) RETURNS int LANGUAGE sql AS 'SELECT a'"),
        change("CREATE OR REPLACE FUNCTION, white space of its body", "CREATE OR REPLACE FUNCTION one(a int) RETURNS int LANGUAGE sql AS 'SELECT  a'", "CREATE OR REPLACE FUNCTION one(a int) RETURNS int LANGUAGE sql AS 'SELECT a'"),
        change("CREATE OR REPLACE FUNCTION, a trailing blank line", "CREATE OR REPLACE FUNCTION one(a int) RETURNS int LANGUAGE sql AS 'SELECT a\n'", "CREATE OR REPLACE FUNCTION one(a int) RETURNS int LANGUAGE sql AS 'SELECT a'"),
        change("CREATE OR REPLACE FUNCTION, its language", "CREATE OR REPLACE FUNCTION one(a int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN a; END'", "CREATE OR REPLACE FUNCTION one(a int) RETURNS int LANGUAGE sql AS 'SELECT a'"),
        change("CREATE OR REPLACE FUNCTION, a default", "CREATE OR REPLACE FUNCTION one(a int DEFAULT 3) RETURNS int LANGUAGE sql AS 'SELECT a'", "DROP FUNCTION one(int); CREATE FUNCTION one(a int) RETURNS int LANGUAGE sql AS 'SELECT a'"),
        change("another name of an argument", "DROP FUNCTION numbered(int); CREATE FUNCTION numbered(b int) RETURNS int LANGUAGE sql AS 'SELECT $1'", "DROP FUNCTION numbered(int); CREATE FUNCTION numbered(a int) RETURNS int LANGUAGE sql AS 'SELECT $1'"),
        change("another result", "DROP FUNCTION one(int); CREATE FUNCTION one(a int) RETURNS bigint LANGUAGE sql AS 'SELECT a'", "DROP FUNCTION one(int); CREATE FUNCTION one(a int) RETURNS int LANGUAGE sql AS 'SELECT a'"),
        change("DROP FUNCTION", "DROP FUNCTION set_of()", "CREATE FUNCTION set_of() RETURNS SETOF int LANGUAGE sql AS 'SELECT 1'"),
        change("ALTER FUNCTION STRICT", "ALTER FUNCTION one STRICT", "ALTER FUNCTION one CALLED ON NULL INPUT"),
        change("ALTER FUNCTION STABLE", "ALTER FUNCTION one STABLE", "ALTER FUNCTION one VOLATILE"),
        change("ALTER FUNCTION LEAKPROOF", "ALTER FUNCTION one LEAKPROOF", "ALTER FUNCTION one NOT LEAKPROOF"),
        change("ALTER FUNCTION SECURITY DEFINER", "ALTER FUNCTION one SECURITY DEFINER", "ALTER FUNCTION one SECURITY INVOKER"),
        change("ALTER FUNCTION PARALLEL RESTRICTED", "ALTER FUNCTION one PARALLEL RESTRICTED", "ALTER FUNCTION one PARALLEL UNSAFE"),
        change("ALTER FUNCTION PARALLEL SAFE", "ALTER FUNCTION one PARALLEL SAFE", "ALTER FUNCTION one PARALLEL UNSAFE"),
        change("ALTER FUNCTION COST", "ALTER FUNCTION one COST 250", "ALTER FUNCTION one COST 100"),
        change("ALTER FUNCTION ROWS", "ALTER FUNCTION set_of ROWS 5", "ALTER FUNCTION set_of ROWS 1000"),
        change("ALTER FUNCTION SUPPORT", "ALTER FUNCTION one SUPPORT helper", "DROP FUNCTION one(int); CREATE FUNCTION one(a int) RETURNS int LANGUAGE sql AS 'SELECT a'"),
        change("ALTER FUNCTION SET", "ALTER FUNCTION one SET work_mem = '1MB'", "ALTER FUNCTION one RESET work_mem"),
        change("ALTER FUNCTION SET a list", "ALTER FUNCTION one SET search_path = functions, \"A b\", pg_temp", "ALTER FUNCTION one RESET search_path"),
        change("ALTER FUNCTION RESET ALL", "ALTER FUNCTION careful RESET ALL", "ALTER FUNCTION careful SET search_path = pg_catalog"),
        change("ALTER FUNCTION RENAME TO", "ALTER FUNCTION one RENAME TO f", "ALTER FUNCTION f RENAME TO one"),
        change("ALTER FUNCTION OWNER TO", "ALTER FUNCTION one OWNER TO ddl_alice", "ALTER FUNCTION one OWNER TO postgres"),
        change("ALTER FUNCTION SET SCHEMA", "ALTER FUNCTION one SET SCHEMA functions_elsewhere", "ALTER FUNCTION functions_elsewhere.one SET SCHEMA functions"),
        change("ALTER FUNCTION DEPENDS ON EXTENSION", "ALTER FUNCTION one DEPENDS ON EXTENSION pgcrypto", "ALTER FUNCTION one NO DEPENDS ON EXTENSION pgcrypto"),
        change("COMMENT ON FUNCTION", "COMMENT ON FUNCTION one IS 'one'", "COMMENT ON FUNCTION one IS NULL"),
        change("CREATE PROCEDURE", "CREATE PROCEDURE p(INOUT a int) LANGUAGE plpgsql AS 'BEGIN a := 1; END'", "DROP PROCEDURE p"),
        change("CREATE PROCEDURE OUT", "CREATE PROCEDURE p(OUT a int) LANGUAGE plpgsql AS 'BEGIN a := 1; END'", "DROP PROCEDURE p"),
        change("CREATE PROCEDURE BEGIN ATOMIC", "CREATE PROCEDURE p(a int) LANGUAGE sql BEGIN ATOMIC INSERT INTO rows VALUES (a, 'x'); DELETE FROM rows WHERE b = 'y'; END", "DROP PROCEDURE p"),
        change("DROP PROCEDURE", "DROP PROCEDURE doing", "CREATE PROCEDURE doing(a int) LANGUAGE sql AS 'SELECT a'"),
        change("ALTER PROCEDURE SECURITY DEFINER", "ALTER PROCEDURE doing SECURITY DEFINER", "ALTER PROCEDURE doing SECURITY INVOKER"),
        change("ALTER PROCEDURE SET", "ALTER PROCEDURE doing SET lock_timeout = '1s'", "ALTER PROCEDURE doing RESET lock_timeout"),
        change("ALTER PROCEDURE RENAME TO", "ALTER PROCEDURE doing RENAME TO p", "ALTER PROCEDURE p RENAME TO doing"),
        change("ALTER PROCEDURE OWNER TO", "ALTER PROCEDURE doing OWNER TO ddl_alice", "ALTER PROCEDURE doing OWNER TO postgres"),
        change("ALTER PROCEDURE SET SCHEMA", "ALTER PROCEDURE doing SET SCHEMA functions_elsewhere", "ALTER PROCEDURE functions_elsewhere.doing SET SCHEMA functions"),
        change("COMMENT ON PROCEDURE", "COMMENT ON PROCEDURE doing IS 'doing'", "COMMENT ON PROCEDURE doing IS NULL"),
        change("a procedure in place of a function", "DROP FUNCTION one(int); CREATE PROCEDURE one(a int) LANGUAGE sql AS 'SELECT a'", "DROP PROCEDURE one(int); CREATE FUNCTION one(a int) RETURNS int LANGUAGE sql AS 'SELECT a'"),
        change("CREATE AGGREGATE", "CREATE AGGREGATE g(int) (sfunc = add_up, stype = int)", "DROP AGGREGATE g(int)"),
        change("CREATE AGGREGATE INITCOND", "CREATE OR REPLACE AGGREGATE total(int) (sfunc = add_up, stype = int, initcond = '5')", "CREATE OR REPLACE AGGREGATE total(int) (sfunc = add_up, stype = int)"),
        change("CREATE AGGREGATE SFUNC of another", "CREATE OR REPLACE AGGREGATE total(int) (sfunc = take_off, stype = int)", "CREATE OR REPLACE AGGREGATE total(int) (sfunc = add_up, stype = int)"),
        change("CREATE AGGREGATE SSPACE", "CREATE OR REPLACE AGGREGATE total(int) (sfunc = add_up, stype = int, sspace = 100)", "CREATE OR REPLACE AGGREGATE total(int) (sfunc = add_up, stype = int)"),
        change("CREATE AGGREGATE FINALFUNC", "CREATE AGGREGATE g(int) (sfunc = add_up, stype = int, finalfunc = finish)", "DROP AGGREGATE g(int)"),
        change("CREATE AGGREGATE FINALFUNC_EXTRA", "CREATE AGGREGATE g(int) (sfunc = add_up, stype = int, finalfunc = finish_extra, finalfunc_extra)", "DROP AGGREGATE g(int)"),
        change("CREATE AGGREGATE FINALFUNC_MODIFY", "CREATE AGGREGATE g(int) (sfunc = add_up, stype = int, finalfunc = finish, finalfunc_modify = shareable)", "DROP AGGREGATE g(int)"),
        change("CREATE AGGREGATE COMBINEFUNC", "CREATE OR REPLACE AGGREGATE total(int) (sfunc = add_up, stype = int, combinefunc = add_up)", "CREATE OR REPLACE AGGREGATE total(int) (sfunc = add_up, stype = int)"),
        change("CREATE AGGREGATE SERIALFUNC", "CREATE AGGREGATE g(bigint) (sfunc = int8_avg_accum, stype = internal, finalfunc = numeric_poly_avg,
            combinefunc = int8_avg_combine, serialfunc = int8_avg_serialize, deserialfunc = int8_avg_deserialize, parallel = safe)", "DROP AGGREGATE g(bigint)"),
        change("CREATE AGGREGATE MSFUNC", "CREATE AGGREGATE g(int) (sfunc = add_up, stype = int, msfunc = add_up, minvfunc = take_off, mstype = int, msspace = 9,
            mfinalfunc = finish_extra, mfinalfunc_extra, mfinalfunc_modify = read_write, minitcond = '0', finalfunc = finish)", "DROP AGGREGATE g(int)"),
        change("CREATE AGGREGATE SORTOP", "CREATE AGGREGATE g(int) (sfunc = int4larger, stype = int, sortop = >)", "DROP AGGREGATE g(int)"),
        change("CREATE AGGREGATE PARALLEL", "CREATE OR REPLACE AGGREGATE total(int) (sfunc = add_up, stype = int, parallel = safe)", "CREATE OR REPLACE AGGREGATE total(int) (sfunc = add_up, stype = int)"),
        change("CREATE AGGREGATE ORDER BY", "CREATE AGGREGATE g(float8 ORDER BY anyelement) (sfunc = ordered_set_transition, stype = internal, finalfunc = percentile_disc_final, finalfunc_extra)", "DROP AGGREGATE g(float8 ORDER BY anyelement)"),
        change("CREATE AGGREGATE HYPOTHETICAL", r#"CREATE AGGREGATE g(VARIADIC "any" ORDER BY VARIADIC "any") (sfunc = ordered_set_transition_multi, stype = internal, finalfunc = rank_final, finalfunc_extra, hypothetical)"#, r#"DROP AGGREGATE g(VARIADIC "any" ORDER BY VARIADIC "any")"#),
        change("CREATE AGGREGATE over everything", "CREATE AGGREGATE g(*) (sfunc = int8inc, stype = int8, initcond = '0')", "DROP AGGREGATE g(*)"),
        change("DROP AGGREGATE", "DROP AGGREGATE total(int)", "CREATE AGGREGATE total(int) (sfunc = add_up, stype = int)"),
        change("ALTER AGGREGATE RENAME TO", "ALTER AGGREGATE total(int) RENAME TO g", "ALTER AGGREGATE g(int) RENAME TO total"),
        change("ALTER AGGREGATE OWNER TO", "ALTER AGGREGATE total(int) OWNER TO ddl_alice", "ALTER AGGREGATE total(int) OWNER TO postgres"),
        change("ALTER AGGREGATE SET SCHEMA", "ALTER AGGREGATE total(int) SET SCHEMA functions_elsewhere", "ALTER AGGREGATE functions_elsewhere.total(int) SET SCHEMA functions"),
        change("COMMENT ON AGGREGATE", "COMMENT ON AGGREGATE total(int) IS 'total'", "COMMENT ON AGGREGATE total(int) IS NULL"),
    ],
};
