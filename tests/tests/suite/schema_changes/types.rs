//! Types: enums, composite, range and base types, and domains.

use super::{Topic, change};

pub const TOPIC: Topic = Topic {
    name: "types",
    setup: r"
        CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
        CREATE TYPE empty AS ENUM ();
        CREATE TYPE pair AS (a int, b text);
        CREATE TYPE floats AS RANGE (subtype = float8);
        CREATE TYPE shell;
        CREATE FUNCTION base_in(cstring) RETURNS shell LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
        CREATE FUNCTION base_out(shell) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
        CREATE FUNCTION base_send(shell) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'int4send';
        CREATE TYPE base;
        CREATE FUNCTION base_in_2(cstring) RETURNS base LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
        CREATE FUNCTION base_out_2(base) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
        CREATE FUNCTION base_receive(internal) RETURNS base LANGUAGE internal IMMUTABLE STRICT AS 'int4recv';
        CREATE FUNCTION base_send_2(base) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'int4send';
        CREATE FUNCTION base_mod_in(cstring[]) RETURNS int LANGUAGE internal IMMUTABLE STRICT AS 'varchartypmodin';
        CREATE FUNCTION base_mod_out(int) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'varchartypmodout';
        CREATE TYPE base (input = base_in_2, output = base_out_2, internallength = 4, passedbyvalue, alignment = int4);
        CREATE TYPE flexible;
        CREATE FUNCTION flexible_in(cstring) RETURNS flexible LANGUAGE internal IMMUTABLE STRICT AS 'textin';
        CREATE FUNCTION flexible_out(flexible) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
        CREATE FUNCTION flexible_receive(internal) RETURNS flexible LANGUAGE internal IMMUTABLE STRICT AS 'textrecv';
        CREATE FUNCTION flexible_send(flexible) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'textsend';
        CREATE FUNCTION flexible_analyze(internal) RETURNS bool LANGUAGE internal STRICT AS 'ts_typanalyze';
        CREATE TYPE flexible (input = flexible_in, output = flexible_out, internallength = variable);
        CREATE FUNCTION float_gap(float8, float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2';
        CREATE DOMAIN word AS text;
        CREATE DOMAIN limited AS varchar(10) DEFAULT 'x' NOT NULL CONSTRAINT nonempty CHECK (VALUE <> '');
        CREATE DOMAIN awaited AS int;
        ALTER DOMAIN awaited ADD CONSTRAINT waiting CHECK (VALUE > 0) NOT VALID;
        CREATE SCHEMA types_elsewhere;
    ",
    changes: &[
        change("CREATE TYPE AS ENUM", "CREATE TYPE t AS ENUM ('a', 'it''s', 'ü')", "DROP TYPE t"),
        change("CREATE TYPE AS ENUM, empty", "CREATE TYPE t AS ENUM ()", "DROP TYPE t"),
        change("CREATE TYPE AS ENUM in another order", "DROP TYPE mood; CREATE TYPE mood AS ENUM ('ok', 'sad', 'happy')",
            "DROP TYPE mood; CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')"),
        change("ALTER TYPE ADD VALUE", "ALTER TYPE mood ADD VALUE 'elated'", "DROP TYPE mood; CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')"),
        change("ALTER TYPE ADD VALUE BEFORE", "ALTER TYPE mood ADD VALUE 'angry' BEFORE 'sad'", "DROP TYPE mood; CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')"),
        change("ALTER TYPE ADD VALUE AFTER", "ALTER TYPE mood ADD VALUE 'fine' AFTER 'ok'", "DROP TYPE mood; CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')"),
        change("ALTER TYPE ADD VALUE to an empty one", "ALTER TYPE empty ADD VALUE 'first'", "DROP TYPE empty; CREATE TYPE empty AS ENUM ()"),
        change("ALTER TYPE RENAME VALUE", "ALTER TYPE mood RENAME VALUE 'ok' TO 'well'", "ALTER TYPE mood RENAME VALUE 'well' TO 'ok'"),
        change("ALTER TYPE RENAME TO", "ALTER TYPE mood RENAME TO t", "ALTER TYPE t RENAME TO mood"),
        change("ALTER TYPE OWNER TO", "ALTER TYPE mood OWNER TO ddl_alice", "ALTER TYPE mood OWNER TO postgres"),
        change("ALTER TYPE SET SCHEMA", "ALTER TYPE mood SET SCHEMA types_elsewhere", "ALTER TYPE types_elsewhere.mood SET SCHEMA types"),
        change("DROP TYPE", "DROP TYPE mood", "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')"),
        change("COMMENT ON TYPE", "COMMENT ON TYPE mood IS 'mood'", "COMMENT ON TYPE mood IS NULL"),
        change("CREATE TYPE AS", r#"CREATE TYPE t AS (a int, b text COLLATE "C", c numeric(5, 2)[])"#, "DROP TYPE t"),
        change("CREATE TYPE AS, without attributes", "CREATE TYPE t AS ()", "DROP TYPE t"),
        change("ALTER TYPE ADD ATTRIBUTE", "ALTER TYPE pair ADD ATTRIBUTE c date", "ALTER TYPE pair DROP ATTRIBUTE c"),
        change("ALTER TYPE DROP ATTRIBUTE", "ALTER TYPE pair DROP ATTRIBUTE b", "ALTER TYPE pair ADD ATTRIBUTE b text"),
        change("ALTER TYPE DROP ATTRIBUTE before others", "ALTER TYPE pair DROP ATTRIBUTE a", "ALTER TYPE pair ADD ATTRIBUTE a int")
            .moves("an attribute that is added again stands last"),
        change("ALTER TYPE ALTER ATTRIBUTE TYPE", "ALTER TYPE pair ALTER ATTRIBUTE a TYPE bigint", "ALTER TYPE pair ALTER ATTRIBUTE a TYPE int"),
        change("ALTER TYPE ALTER ATTRIBUTE TYPE COLLATE", r#"ALTER TYPE pair ALTER ATTRIBUTE b TYPE text COLLATE "C""#, "ALTER TYPE pair ALTER ATTRIBUTE b TYPE text"),
        change("ALTER TYPE RENAME ATTRIBUTE", "ALTER TYPE pair RENAME ATTRIBUTE a TO x", "ALTER TYPE pair RENAME ATTRIBUTE x TO a"),
        change("ALTER TYPE OWNER TO, composite", "ALTER TYPE pair OWNER TO ddl_alice", "ALTER TYPE pair OWNER TO postgres"),
        change("COMMENT ON TYPE, composite", "COMMENT ON TYPE pair IS 'pair'", "COMMENT ON TYPE pair IS NULL"),
        change("COMMENT ON COLUMN of a type", "COMMENT ON COLUMN pair.a IS 'one'", "COMMENT ON COLUMN pair.a IS NULL"),
        change("CREATE TYPE AS RANGE", "CREATE TYPE t AS RANGE (subtype = int4)", "DROP TYPE t"),
        change("CREATE TYPE AS RANGE, subtype_opclass", "CREATE TYPE t AS RANGE (subtype = text, subtype_opclass = text_pattern_ops)", "DROP TYPE t"),
        change("CREATE TYPE AS RANGE, collation", r#"CREATE TYPE t AS RANGE (subtype = text, collation = "C")"#, "DROP TYPE t"),
        change("CREATE TYPE AS RANGE, subtype_diff", "CREATE TYPE t AS RANGE (subtype = float8, subtype_diff = float_gap)", "DROP TYPE t"),
        change("CREATE TYPE AS RANGE, multirange_type_name", "CREATE TYPE t AS RANGE (subtype = int4, multirange_type_name = many_t)", "DROP TYPE t"),
        change("ALTER TYPE RENAME TO of a multirange", "ALTER TYPE floats_multirange RENAME TO many_floats", "ALTER TYPE many_floats RENAME TO floats_multirange"),
        change("CREATE TYPE AS RANGE, another subtype", "DROP TYPE floats; CREATE TYPE floats AS RANGE (subtype = float4)", "DROP TYPE floats; CREATE TYPE floats AS RANGE (subtype = float8)"),
        change("CREATE TYPE AS RANGE, canonical",
            "CREATE TYPE t; CREATE FUNCTION t_canonical(t) RETURNS t LANGUAGE internal IMMUTABLE STRICT AS 'int4range_canonical';
             CREATE TYPE t AS RANGE (subtype = int4, canonical = t_canonical)",
            "DROP TYPE t CASCADE"),
        change("COMMENT ON TYPE, range", "COMMENT ON TYPE floats IS 'floats'", "COMMENT ON TYPE floats IS NULL"),
        change("CREATE TYPE, a shell", "CREATE TYPE t", "DROP TYPE t"),
        change("CREATE TYPE, base", "CREATE TYPE shell (input = base_in, output = base_out, internallength = 4, passedbyvalue)",
            "DROP TYPE shell CASCADE; CREATE TYPE shell;
             CREATE FUNCTION base_in(cstring) RETURNS shell LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
             CREATE FUNCTION base_out(shell) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
             CREATE FUNCTION base_send(shell) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'int4send'"),
        change("CREATE TYPE with every option",
            "CREATE TYPE shell (input = base_in, output = base_out, send = base_send, internallength = 4, alignment = char, storage = plain,
                category = 'N', preferred = true, default = '7', element = int4, delimiter = ';')",
            "DROP TYPE shell CASCADE; CREATE TYPE shell;
             CREATE FUNCTION base_in(cstring) RETURNS shell LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
             CREATE FUNCTION base_out(shell) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
             CREATE FUNCTION base_send(shell) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'int4send'"),
        change("CREATE TYPE, collatable and variable",
            "CREATE TYPE t; CREATE FUNCTION t_in(cstring) RETURNS t LANGUAGE internal IMMUTABLE STRICT AS 'textin';
             CREATE FUNCTION t_out(t) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
             CREATE TYPE t (input = t_in, output = t_out, internallength = variable, storage = extended, collatable = true)",
            "DROP TYPE t CASCADE"),
        change("CREATE TYPE LIKE",
            "CREATE TYPE t; CREATE FUNCTION t_in(cstring) RETURNS t LANGUAGE internal IMMUTABLE STRICT AS 'float8in';
             CREATE FUNCTION t_out(t) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'float8out';
             CREATE TYPE t (input = t_in, output = t_out, like = float8)",
            "DROP TYPE t CASCADE"),
        change("ALTER TYPE SET RECEIVE", "ALTER TYPE base SET (receive = base_receive)", "ALTER TYPE base SET (receive = NONE)"),
        change("ALTER TYPE SET SEND", "ALTER TYPE base SET (send = base_send_2)", "ALTER TYPE base SET (send = NONE)"),
        change("ALTER TYPE SET TYPMOD_IN", "ALTER TYPE base SET (typmod_in = base_mod_in, typmod_out = base_mod_out)", "ALTER TYPE base SET (typmod_in = NONE, typmod_out = NONE)"),
        change("ALTER TYPE SET ANALYZE", "ALTER TYPE flexible SET (analyze = flexible_analyze)", "ALTER TYPE flexible SET (analyze = NONE)"),
        change("ALTER TYPE SET SUBSCRIPT", "ALTER TYPE flexible SET (subscript = raw_array_subscript_handler)", "ALTER TYPE flexible SET (subscript = NONE)"),
        change("ALTER TYPE SET STORAGE", "ALTER TYPE flexible SET (storage = extended)",
            "ALTER TYPE flexible RENAME TO was; DROP TYPE was CASCADE; CREATE TYPE flexible;
             CREATE FUNCTION flexible_in(cstring) RETURNS flexible LANGUAGE internal IMMUTABLE STRICT AS 'textin';
             CREATE FUNCTION flexible_out(flexible) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
             CREATE FUNCTION flexible_receive(internal) RETURNS flexible LANGUAGE internal IMMUTABLE STRICT AS 'textrecv';
             CREATE FUNCTION flexible_send(flexible) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'textsend';
             CREATE TYPE flexible (input = flexible_in, output = flexible_out, internallength = variable)"),
        change("COMMENT ON TYPE, base", "COMMENT ON TYPE base IS 'base'", "COMMENT ON TYPE base IS NULL"),
        change("COMMENT ON TYPE, a shell", "COMMENT ON TYPE shell IS 'shell'", "COMMENT ON TYPE shell IS NULL"),
        change("CREATE DOMAIN", "CREATE DOMAIN d AS int", "DROP DOMAIN d"),
        change("CREATE DOMAIN COLLATE", r#"CREATE DOMAIN d AS text COLLATE "C""#, "DROP DOMAIN d"),
        change("CREATE DOMAIN DEFAULT", "CREATE DOMAIN d AS date DEFAULT CURRENT_DATE", "DROP DOMAIN d"),
        change("CREATE DOMAIN NOT NULL", "CREATE DOMAIN d AS int NOT NULL", "DROP DOMAIN d"),
        change("CREATE DOMAIN CHECK", "CREATE DOMAIN d AS int CHECK (VALUE BETWEEN 1 AND 5) CONSTRAINT odd CHECK (VALUE % 2 = 1)", "DROP DOMAIN d"),
        change("CREATE DOMAIN over an array", "CREATE DOMAIN d AS int[] CHECK (cardinality(VALUE) < 5)", "DROP DOMAIN d"),
        change("CREATE DOMAIN over a domain", "CREATE DOMAIN d AS limited CHECK (length(VALUE) > 1)", "DROP DOMAIN d"),
        change("DROP DOMAIN", "DROP DOMAIN word", "CREATE DOMAIN word AS text"),
        change("ALTER DOMAIN SET DEFAULT", "ALTER DOMAIN word SET DEFAULT 'x'", "ALTER DOMAIN word DROP DEFAULT"),
        change("ALTER DOMAIN DROP DEFAULT", "ALTER DOMAIN limited DROP DEFAULT", "ALTER DOMAIN limited SET DEFAULT 'x'"),
        change("ALTER DOMAIN SET NOT NULL", "ALTER DOMAIN word SET NOT NULL", "ALTER DOMAIN word DROP NOT NULL"),
        change("ALTER DOMAIN DROP NOT NULL", "ALTER DOMAIN limited DROP NOT NULL", "ALTER DOMAIN limited SET NOT NULL"),
        change("ALTER DOMAIN ADD CHECK", "ALTER DOMAIN word ADD CONSTRAINT c CHECK (VALUE ~ 'x')", "ALTER DOMAIN word DROP CONSTRAINT c"),
        change("ALTER DOMAIN ADD CHECK NOT VALID", "ALTER DOMAIN word ADD CONSTRAINT c CHECK (VALUE ~ 'x') NOT VALID", "ALTER DOMAIN word DROP CONSTRAINT c"),
        change("ALTER DOMAIN VALIDATE CONSTRAINT", "ALTER DOMAIN awaited VALIDATE CONSTRAINT waiting",
            "ALTER DOMAIN awaited DROP CONSTRAINT waiting; ALTER DOMAIN awaited ADD CONSTRAINT waiting CHECK (VALUE > 0) NOT VALID"),
        change("ALTER DOMAIN DROP CONSTRAINT", "ALTER DOMAIN limited DROP CONSTRAINT nonempty", "ALTER DOMAIN limited ADD CONSTRAINT nonempty CHECK (VALUE <> '')"),
        change("ALTER DOMAIN RENAME CONSTRAINT", "ALTER DOMAIN limited RENAME CONSTRAINT nonempty TO c", "ALTER DOMAIN limited RENAME CONSTRAINT c TO nonempty"),
        change("ALTER DOMAIN RENAME TO", "ALTER DOMAIN word RENAME TO d", "ALTER DOMAIN d RENAME TO word"),
        change("ALTER DOMAIN OWNER TO", "ALTER DOMAIN word OWNER TO ddl_alice", "ALTER DOMAIN word OWNER TO postgres"),
        change("ALTER DOMAIN SET SCHEMA", "ALTER DOMAIN word SET SCHEMA types_elsewhere", "ALTER DOMAIN types_elsewhere.word SET SCHEMA types"),
        change("COMMENT ON DOMAIN", "COMMENT ON DOMAIN word IS 'word'", "COMMENT ON DOMAIN word IS NULL"),
        change("COMMENT ON CONSTRAINT ON DOMAIN", "COMMENT ON CONSTRAINT nonempty ON DOMAIN limited IS 'something'", "COMMENT ON CONSTRAINT nonempty ON DOMAIN limited IS NULL"),
    ],
};
