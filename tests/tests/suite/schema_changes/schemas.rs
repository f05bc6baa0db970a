//! Schemas and what belongs to no table: extensions, languages, transforms, collations, conversions, access methods.

use super::{Topic, change};

pub const TOPIC: Topic = Topic {
    name: "schemas",
    setup: r#"
        CREATE SCHEMA empty;
        CREATE SCHEMA elsewhere;
        CREATE EXTENSION IF NOT EXISTS pgcrypto SCHEMA elsewhere;
        CREATE TABLE joining (a int);
        CREATE FUNCTION handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
        CREATE FUNCTION inline_handler(internal) RETURNS void LANGUAGE c STRICT AS '$libdir/plpgsql', 'plpgsql_inline_handler';
        CREATE FUNCTION validator(oid) RETURNS void LANGUAGE c STRICT AS '$libdir/plpgsql', 'plpgsql_validator';
        CREATE LANGUAGE talk HANDLER handler;
        CREATE FUNCTION from_sql(internal) RETURNS internal LANGUAGE internal IMMUTABLE STRICT AS 'prsd_lextype';
        CREATE FUNCTION to_sql(internal) RETURNS macaddr LANGUAGE internal IMMUTABLE STRICT AS 'int4recv';
        CREATE TRANSFORM FOR macaddr8 LANGUAGE plpgsql (FROM SQL WITH FUNCTION from_sql(internal));
        CREATE COLLATION plain (locale = 'C');
        CREATE CONVERSION latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
        CREATE ACCESS METHOD schemas_heap TYPE TABLE HANDLER pg_catalog.heap_tableam_handler;
    "#,
    changes: &[
        change("CREATE SCHEMA", "CREATE SCHEMA s", "DROP SCHEMA s"),
        change("CREATE SCHEMA AUTHORIZATION", "CREATE SCHEMA s AUTHORIZATION ddl_alice", "DROP SCHEMA s"),
        change(
            "CREATE SCHEMA with elements",
            "CREATE SCHEMA s CREATE TABLE t (a int) CREATE VIEW v AS SELECT a FROM t GRANT SELECT ON v TO PUBLIC",
            "DROP SCHEMA s CASCADE",
        ),
        change("DROP SCHEMA", "DROP SCHEMA empty", "CREATE SCHEMA empty"),
        change(
            "ALTER SCHEMA RENAME TO",
            "ALTER SCHEMA elsewhere RENAME TO s",
            "ALTER SCHEMA s RENAME TO elsewhere",
        ),
        change(
            "ALTER SCHEMA OWNER TO",
            "ALTER SCHEMA empty OWNER TO ddl_alice",
            "ALTER SCHEMA empty OWNER TO postgres",
        ),
        change(
            "ALTER SCHEMA public OWNER TO",
            "ALTER SCHEMA public OWNER TO ddl_alice",
            "ALTER SCHEMA public OWNER TO pg_database_owner",
        )
        .since(15),
        change("COMMENT ON SCHEMA", "COMMENT ON SCHEMA empty IS 'empty'", "COMMENT ON SCHEMA empty IS NULL"),
        change(
            "COMMENT ON SCHEMA public",
            "COMMENT ON SCHEMA public IS 'ours'",
            "COMMENT ON SCHEMA public IS 'standard public schema'",
        ),
        change(
            "COMMENT ON SCHEMA public IS NULL",
            "COMMENT ON SCHEMA public IS NULL",
            "COMMENT ON SCHEMA public IS 'standard public schema'",
        ),
        change("CREATE EXTENSION", "CREATE EXTENSION \"uuid-ossp\"", "DROP EXTENSION \"uuid-ossp\""),
        change(
            "CREATE EXTENSION SCHEMA",
            "CREATE EXTENSION \"uuid-ossp\" SCHEMA elsewhere",
            "DROP EXTENSION \"uuid-ossp\"",
        ),
        change("DROP EXTENSION", "DROP EXTENSION pgcrypto", "CREATE EXTENSION pgcrypto SCHEMA elsewhere"),
        change(
            "ALTER EXTENSION SET SCHEMA",
            "ALTER EXTENSION pgcrypto SET SCHEMA empty",
            "ALTER EXTENSION pgcrypto SET SCHEMA elsewhere",
        ),
        change(
            "ALTER EXTENSION ADD",
            "ALTER EXTENSION pgcrypto ADD TABLE joining",
            "ALTER EXTENSION pgcrypto DROP TABLE joining",
        ),
        change(
            "ALTER EXTENSION DROP",
            "ALTER EXTENSION pgcrypto DROP FUNCTION elsewhere.gen_salt(text)",
            "ALTER EXTENSION pgcrypto ADD FUNCTION elsewhere.gen_salt(text)",
        ),
        change(
            "COMMENT ON EXTENSION",
            "COMMENT ON EXTENSION pgcrypto IS 'ours'",
            "COMMENT ON EXTENSION pgcrypto IS 'cryptographic functions'",
        ),
        change("CREATE LANGUAGE", "CREATE LANGUAGE l HANDLER handler", "DROP LANGUAGE l"),
        change("CREATE TRUSTED LANGUAGE", "CREATE TRUSTED LANGUAGE l HANDLER handler", "DROP LANGUAGE l"),
        change(
            "CREATE LANGUAGE INLINE VALIDATOR",
            "CREATE LANGUAGE l HANDLER handler INLINE inline_handler VALIDATOR validator",
            "DROP LANGUAGE l",
        ),
        change(
            "CREATE OR REPLACE LANGUAGE",
            "CREATE OR REPLACE LANGUAGE talk HANDLER handler VALIDATOR validator",
            "CREATE OR REPLACE LANGUAGE talk HANDLER handler",
        ),
        change("DROP LANGUAGE", "DROP LANGUAGE talk", "CREATE LANGUAGE talk HANDLER handler"),
        change(
            "ALTER LANGUAGE RENAME TO",
            "ALTER LANGUAGE talk RENAME TO l",
            "ALTER LANGUAGE l RENAME TO talk",
        ),
        change(
            "ALTER LANGUAGE OWNER TO",
            "ALTER LANGUAGE talk OWNER TO ddl_super",
            "ALTER LANGUAGE talk OWNER TO postgres",
        ),
        change(
            "COMMENT ON LANGUAGE",
            "COMMENT ON LANGUAGE talk IS 'talks'",
            "COMMENT ON LANGUAGE talk IS NULL",
        ),
        change(
            "CREATE TRANSFORM",
            "CREATE TRANSFORM FOR macaddr LANGUAGE plpgsql (FROM SQL WITH FUNCTION from_sql(internal), TO SQL WITH FUNCTION to_sql(internal))",
            "DROP TRANSFORM FOR macaddr LANGUAGE plpgsql",
        ),
        change(
            "CREATE TRANSFORM FROM SQL",
            "CREATE TRANSFORM FOR macaddr LANGUAGE plpgsql (FROM SQL WITH FUNCTION from_sql(internal))",
            "DROP TRANSFORM FOR macaddr LANGUAGE plpgsql",
        ),
        change(
            "CREATE TRANSFORM TO SQL",
            "CREATE TRANSFORM FOR macaddr LANGUAGE plpgsql (TO SQL WITH FUNCTION to_sql(internal))",
            "DROP TRANSFORM FOR macaddr LANGUAGE plpgsql",
        ),
        change(
            "DROP TRANSFORM",
            "DROP TRANSFORM FOR macaddr8 LANGUAGE plpgsql",
            "CREATE TRANSFORM FOR macaddr8 LANGUAGE plpgsql (FROM SQL WITH FUNCTION from_sql(internal))",
        ),
        change(
            "COMMENT ON TRANSFORM",
            "COMMENT ON TRANSFORM FOR macaddr8 LANGUAGE plpgsql IS 'addresses'",
            "COMMENT ON TRANSFORM FOR macaddr8 LANGUAGE plpgsql IS NULL",
        ),
        change("CREATE COLLATION", "CREATE COLLATION c (locale = 'POSIX')", "DROP COLLATION c"),
        change(
            "CREATE COLLATION LC_COLLATE LC_CTYPE",
            "CREATE COLLATION c (lc_collate = 'C', lc_ctype = 'POSIX')",
            "DROP COLLATION c",
        ),
        change(
            "CREATE COLLATION PROVIDER icu",
            "CREATE COLLATION c (provider = icu, locale = 'de-u-co-phonebk')",
            "DROP COLLATION c",
        ),
        change(
            "CREATE COLLATION DETERMINISTIC",
            "CREATE COLLATION c (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
            "DROP COLLATION c",
        ),
        change(
            "CREATE COLLATION RULES",
            "CREATE COLLATION c (provider = icu, locale = 'und', rules = '&a < g')",
            "DROP COLLATION c",
        )
        .since(16),
        change(
            "CREATE COLLATION PROVIDER builtin",
            "CREATE COLLATION c (provider = builtin, locale = 'C.UTF-8')",
            "DROP COLLATION c",
        )
        .since(17),
        change("CREATE COLLATION FROM", "CREATE COLLATION c FROM \"und-x-icu\"", "DROP COLLATION c"),
        change("DROP COLLATION", "DROP COLLATION plain", "CREATE COLLATION plain (locale = 'C')"),
        change(
            "ALTER COLLATION RENAME TO",
            "ALTER COLLATION plain RENAME TO c",
            "ALTER COLLATION c RENAME TO plain",
        ),
        change(
            "ALTER COLLATION OWNER TO",
            "ALTER COLLATION plain OWNER TO ddl_alice",
            "ALTER COLLATION plain OWNER TO postgres",
        ),
        change(
            "ALTER COLLATION SET SCHEMA",
            "ALTER COLLATION plain SET SCHEMA elsewhere",
            "ALTER COLLATION elsewhere.plain SET SCHEMA schemas",
        ),
        change(
            "COMMENT ON COLLATION",
            "COMMENT ON COLLATION plain IS 'plain'",
            "COMMENT ON COLLATION plain IS NULL",
        ),
        change(
            "CREATE CONVERSION",
            "CREATE CONVERSION c FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1",
            "DROP CONVERSION c",
        ),
        change(
            "CREATE DEFAULT CONVERSION",
            "CREATE DEFAULT CONVERSION c FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1",
            "DROP CONVERSION c",
        ),
        change(
            "DROP CONVERSION",
            "DROP CONVERSION latin",
            "CREATE CONVERSION latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
        ),
        change(
            "ALTER CONVERSION RENAME TO",
            "ALTER CONVERSION latin RENAME TO c",
            "ALTER CONVERSION c RENAME TO latin",
        ),
        change(
            "ALTER CONVERSION OWNER TO",
            "ALTER CONVERSION latin OWNER TO ddl_alice",
            "ALTER CONVERSION latin OWNER TO postgres",
        ),
        change(
            "ALTER CONVERSION SET SCHEMA",
            "ALTER CONVERSION latin SET SCHEMA elsewhere",
            "ALTER CONVERSION elsewhere.latin SET SCHEMA schemas",
        ),
        change(
            "COMMENT ON CONVERSION",
            "COMMENT ON CONVERSION latin IS 'latin'",
            "COMMENT ON CONVERSION latin IS NULL",
        ),
        change(
            "CREATE ACCESS METHOD TYPE TABLE",
            "CREATE ACCESS METHOD m TYPE TABLE HANDLER heap_tableam_handler",
            "DROP ACCESS METHOD m",
        ),
        change(
            "CREATE ACCESS METHOD TYPE INDEX",
            "CREATE ACCESS METHOD m TYPE INDEX HANDLER bthandler",
            "DROP ACCESS METHOD m",
        ),
        change(
            "DROP ACCESS METHOD",
            "DROP ACCESS METHOD schemas_heap",
            "CREATE ACCESS METHOD schemas_heap TYPE TABLE HANDLER pg_catalog.heap_tableam_handler",
        ),
        change(
            "COMMENT ON ACCESS METHOD",
            "COMMENT ON ACCESS METHOD schemas_heap IS 'heap'",
            "COMMENT ON ACCESS METHOD schemas_heap IS NULL",
        ),
    ],
};
