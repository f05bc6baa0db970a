//! What is no change of a schema: pg_dump does not see it, and a snapshot stays as it was.

use migrate_testing::Binaries;

use super::server::{ServerUnderTest, difference, snapshot};
use super::told;

const SETUP: &str = "
    CREATE TABLE plain (a int PRIMARY KEY, b text CHECK (b <> ''), c int);
    CREATE INDEX plain_b ON plain (b);
    ALTER TABLE plain CLUSTER ON plain_b;
    INSERT INTO plain SELECT n, 'row ' || n, n FROM generate_series(1, 100) n;
    CREATE TABLE wide (a text);
    CREATE TABLE numbered (id serial, a int);
    CREATE TABLE generated (id int GENERATED ALWAYS AS IDENTITY, a int);
    CREATE MATERIALIZED VIEW kept AS SELECT a FROM plain;
    CREATE VIEW seen AS SELECT a FROM plain WHERE c > 0;
    CREATE SEQUENCE numbers;
    CREATE FUNCTION one(a int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN a; END';
    CREATE FUNCTION happened() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
    CREATE TRIGGER touch BEFORE INSERT ON plain FOR EACH ROW EXECUTE FUNCTION happened();
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE STATISTICS together ON a, c FROM plain;
    CREATE TABLE parts (a int) PARTITION BY LIST (a);
    CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1);
    COMMENT ON TABLE plain IS 'plain';
    GRANT SELECT ON plain TO ddl_alice;
    CREATE TABLE schema_migrations (version text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now(),
        checksum text NOT NULL, dirty boolean NOT NULL DEFAULT false);
";

/// What is done, and the statements, each sent by itself.
const UNSEEN: [(&str, &[&str]); 42] = [
    ("VACUUM", &["VACUUM plain"]),
    ("VACUUM FULL", &["VACUUM FULL plain"]),
    ("VACUUM FREEZE of everything", &["VACUUM FREEZE"]),
    ("VACUUM FULL of a catalog", &["VACUUM FULL pg_catalog.pg_class", "VACUUM FULL pg_catalog.pg_attribute"]),
    ("ANALYZE", &["ANALYZE"]),
    ("ANALYZE of an extended statistic", &["ANALYZE plain (a, c)"]),
    (
        "INSERT, UPDATE, DELETE",
        &[
            "INSERT INTO plain VALUES (1000, 'x', 1)",
            "UPDATE plain SET c = c + 1",
            "DELETE FROM plain WHERE a > 50",
        ],
    ),
    ("TRUNCATE", &["TRUNCATE plain"]),
    ("TRUNCATE RESTART IDENTITY", &["TRUNCATE numbered RESTART IDENTITY"]),
    ("COPY", &["COPY wide FROM PROGRAM 'echo x'"]),
    (
        "a value that is toasted",
        &["INSERT INTO wide SELECT string_agg(md5(n::text), '') FROM generate_series(1, 1000) n"],
    ),
    ("REINDEX INDEX", &["REINDEX INDEX plain_b"]),
    ("REINDEX TABLE", &["REINDEX TABLE plain"]),
    ("REINDEX CONCURRENTLY", &["REINDEX TABLE CONCURRENTLY plain"]),
    ("CLUSTER that keeps the flag", &["CLUSTER plain"]),
    ("nextval", &["SELECT nextval('numbers')"]),
    ("setval", &["SELECT setval('numbers', 500)"]),
    ("an identity column counts", &["INSERT INTO generated (a) VALUES (1)"]),
    ("ALTER SEQUENCE RESTART", &["ALTER SEQUENCE numbers RESTART WITH 7"]),
    ("ALTER TABLE ALTER COLUMN RESTART", &["ALTER TABLE generated ALTER COLUMN id RESTART WITH 50"]),
    ("REFRESH MATERIALIZED VIEW", &["REFRESH MATERIALIZED VIEW kept"]),
    ("REFRESH MATERIALIZED VIEW WITH NO DATA", &["REFRESH MATERIALIZED VIEW kept WITH NO DATA"]),
    (
        "a column that was added and dropped",
        &["ALTER TABLE plain ADD COLUMN d int DEFAULT 5", "ALTER TABLE plain DROP COLUMN d"],
    ),
    (
        "a column in the middle that was made with the table and dropped",
        &[
            "DROP TABLE wide",
            "CREATE TABLE wide (corpse int NOT NULL DEFAULT 3, a text)",
            "ALTER TABLE wide DROP COLUMN corpse",
        ],
    ),
    ("a table made again", &["DROP TABLE wide", "CREATE TABLE wide (a text)"]),
    (
        "objects made and dropped, so that the next have other numbers",
        &[
            "CREATE TABLE gone (a serial PRIMARY KEY)",
            "DROP TABLE gone",
            "DROP FUNCTION one",
            "CREATE FUNCTION one(a int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN a; END'",
        ],
    ),
    (
        "objects made again in another order",
        &[
            "DROP VIEW seen",
            "DROP TYPE mood",
            "DROP SEQUENCE numbers",
            "CREATE SEQUENCE numbers",
            "CREATE TYPE mood AS ENUM ('sad', 'ok')",
            "CREATE VIEW seen AS SELECT a FROM plain WHERE c > 0",
        ],
    ),
    (
        "an enum with the same order and other sort numbers",
        &["DROP TYPE mood", "CREATE TYPE mood AS ENUM ('ok')", "ALTER TYPE mood ADD VALUE 'sad' BEFORE 'ok'"],
    ),
    (
        "a DDL that is rolled back",
        &["BEGIN; CREATE TABLE t (a int); ALTER TABLE plain DROP COLUMN b; ROLLBACK"],
    ),
    (
        "a DDL that fails",
        &[
            "DO $$ BEGIN CREATE TABLE t (a int); RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END $$",
        ],
    ),
    (
        "temporary tables, views and functions",
        &[
            "CREATE TEMP TABLE t (a int)",
            "CREATE TEMP VIEW v AS SELECT 1",
            "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        ],
    ),
    ("DO", &["DO 'BEGIN PERFORM one(1); END'"]),
    ("advisory locks", &["SELECT pg_advisory_lock(7)"]),
    (
        "large objects",
        &[
            "SELECT lo_create(4711)",
            "SELECT lo_from_bytea(4712, 'x')",
            "COMMENT ON LARGE OBJECT 4711 IS 'large'",
        ],
    ),
    (
        "SET",
        &[
            "SET search_path = pg_catalog",
            "SET DateStyle = 'German'",
            "SET default_toast_compression = pglz",
            "RESET ALL",
        ],
    ),
    (
        "prepared statements and cursors",
        &["PREPARE p AS SELECT 1", "DECLARE c CURSOR WITH HOLD FOR SELECT 1", "LISTEN x", "NOTIFY x"],
    ),
    (
        "CREATE OR REPLACE of the same",
        &[
            "CREATE OR REPLACE FUNCTION one(a int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN a; END'",
            "CREATE OR REPLACE VIEW seen AS SELECT a FROM plain WHERE c > 0",
        ],
    ),
    (
        "what is there already",
        &[
            "CREATE TABLE IF NOT EXISTS plain (z int)",
            "ALTER TABLE plain ADD COLUMN IF NOT EXISTS b int",
            "CREATE INDEX IF NOT EXISTS plain_b ON plain (c)",
        ],
    ),
    (
        "what is set to what it is",
        &[
            "ALTER TABLE plain ALTER COLUMN a SET NOT NULL",
            "GRANT SELECT ON plain TO ddl_alice",
            "COMMENT ON TABLE plain IS 'plain'",
            "ALTER TABLE plain OWNER TO postgres",
        ],
    ),
    (
        "changes that are undone",
        &[
            "GRANT UPDATE ON plain TO ddl_bob",
            "REVOKE UPDATE ON plain FROM ddl_bob",
            "ALTER TABLE wide RENAME TO w",
            "ALTER TABLE w RENAME TO wide",
        ],
    ),
    (
        "a grant to the owner that was implied before",
        &["GRANT ALL ON wide TO postgres", "GRANT EXECUTE ON FUNCTION one TO PUBLIC"],
    ),
    (
        "a partition that was detached and attached",
        &[
            "ALTER TABLE parts DETACH PARTITION part_1",
            "ALTER TABLE parts ATTACH PARTITION part_1 FOR VALUES IN (1)",
        ],
    ),
];

#[test]
fn what_pg_dump_does_not_see_leaves_a_snapshot_as_it_is() {
    let server = ServerUnderTest::start(Binaries::find(None).unwrap());
    let database = server.database();
    let mut client = database.connect().unwrap();
    client.batch_execute(SETUP).unwrap();
    let (mut dump, schema) = (server.dump(&database), snapshot(database.url()));
    assert!(schema.get("table public.plain").is_some(), "{}", schema.text());
    let mut failures = Vec::new();
    for (what, statements) in UNSEEN {
        for statement in statements {
            client.batch_execute(statement).unwrap_or_else(|error| panic!("{what}: {}", told(&error)));
        }
        // What it does not see either is what this table is about.
        let now = server.dump(&database);
        if now != dump {
            failures
                .push(format!("{what}: pg_dump sees it\n{}", difference(dump.as_deref(), now.as_deref())));
            dump = now;
        }
        let diff = schema.diff(&snapshot(database.url()));
        if !diff.is_empty() {
            failures.push(format!("{what}:\n{}", diff.text()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
