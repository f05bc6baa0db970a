//! The server as an oracle for what cannot run in a transaction block: SQLSTATE 25001.

use migrate_core::StatementKind;
use migrate_core::sql;
use postgres::error::SqlState;

const SETUP: &str = "
    CREATE TABLE t (a int PRIMARY KEY, b int);
    CREATE INDEX i ON t (b);
    CREATE TABLE p (a int) PARTITION BY RANGE (a);
    CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1);
    CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
    CREATE UNIQUE INDEX ON m (a);
    CREATE TYPE e AS ENUM ('a');
    CREATE SUBSCRIPTION s CONNECTION 'host=nowhere.invalid' PUBLICATION x WITH (connect = false, slot_name = s);
";

const STATEMENTS: &[&str] = &[
    "VACUUM",
    "VACUUM (ANALYZE) t",
    "ANALYZE t",
    "CREATE DATABASE d",
    "DROP DATABASE d",
    "ALTER DATABASE postgres SET TABLESPACE pg_default",
    "ALTER DATABASE postgres SET work_mem = '4MB'",
    "CREATE TABLESPACE a LOCATION '/nowhere'",
    "DROP TABLESPACE a",
    "ALTER SYSTEM SET work_mem = '4MB'",
    "ALTER SYSTEM RESET ALL",
    "CREATE INDEX CONCURRENTLY ON t (b)",
    "CREATE UNIQUE INDEX CONCURRENTLY j ON t (b)",
    "CREATE INDEX \"concurrently\" ON t (b)",
    "DROP INDEX CONCURRENTLY i",
    "DROP INDEX i",
    "REINDEX INDEX CONCURRENTLY i",
    "REINDEX (CONCURRENTLY) TABLE t",
    "REINDEX (CONCURRENTLY off) TABLE t",
    "REINDEX (VERBOSE, CONCURRENTLY true) INDEX i",
    "REINDEX INDEX i",
    "REINDEX SCHEMA public",
    "REINDEX DATABASE postgres",
    "REINDEX SYSTEM postgres",
    "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY",
    "ALTER TABLE IF EXISTS ONLY (p) DETACH PARTITION public.p1 CONCURRENTLY",
    "ALTER TABLE p DETACH PARTITION p1",
    "CLUSTER",
    "CLUSTER VERBOSE",
    "CLUSTER t USING i",
    "CLUSTER VERBOSE t USING i",
    "DISCARD ALL",
    "DISCARD PLANS",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY m",
    "ALTER TYPE e ADD VALUE 'b'",
    "CREATE SUBSCRIPTION u CONNECTION 'host=nowhere.invalid' PUBLICATION x",
    "CREATE SUBSCRIPTION u CONNECTION 'host=nowhere.invalid' PUBLICATION x WITH (create_slot = true)",
    "CREATE SUBSCRIPTION u CONNECTION 'host=nowhere.invalid' PUBLICATION x WITH (connect = false)",
    "CREATE SUBSCRIPTION u CONNECTION 'host=nowhere.invalid' PUBLICATION x WITH (connect = off, create_slot = 0)",
    "ALTER SUBSCRIPTION s SET PUBLICATION y WITH (refresh = false)",
    "ALTER SUBSCRIPTION s DISABLE",
    "DROP SUBSCRIPTION s",
    "COMMIT PREPARED 'a'",
    "ROLLBACK PREPARED 'a'",
    "CHECKPOINT",
    "LOCK TABLE t",
    "NOTIFY n",
];

/// The server refuses exactly what we say cannot run there.
#[test]
fn what_cannot_run_in_a_transaction_block() {
    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    client.batch_execute(SETUP).unwrap();
    for text in STATEMENTS {
        let statements = sql::statements(text).unwrap();
        let ours = match statements[0].kind {
            StatementKind::NoTransaction(_) | StatementKind::Concurrent(_) => true,
            StatementKind::TransactionControl(command) => command.ends_with("PREPARED"),
            _ => false,
        };
        client.batch_execute("BEGIN").unwrap();
        let error = client.batch_execute(text).err();
        client.batch_execute("ROLLBACK").unwrap();
        let theirs = error.as_ref().and_then(|error| error.code()) == Some(&SqlState::ACTIVE_SQL_TRANSACTION);
        assert_eq!(ours, theirs, "{text}: {error:?}");
    }
    // Dropping the database would fail on the subscription's slot, which there is none of.
    client.batch_execute("ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s").unwrap();
}
