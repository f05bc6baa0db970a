//! T31 and the history's own place: identifiers are quoted, names and descriptions are values, whatever is in them.

use migrate_runtime::core::Goal;
use migrate_runtime::{Error, HistoryTable, Migrator};
use migrate_tests::Cluster;
use migrate_tests::migrations::{apply, good, migrator, stems};
use migrate_tests::wait::answer;

const A: (&str, &str, &str) = ("0001_a", "CREATE TABLE a ()", "DROP TABLE a");

fn table(schema: &str, name: &str) -> HistoryTable {
    HistoryTable { schema: schema.to_owned(), name: name.to_owned() }
}

fn names() -> Vec<HistoryTable> {
    // Every byte of ASCII but NUL, which no identifier of PostgreSQL can have; 63 bytes are the most it keeps.
    let bytes: Vec<String> = [1..60, 60..110, 110..128]
        .map(|codes| codes.filter_map(char::from_u32).collect::<String>())
        .into_iter()
        .collect();
    let mut tables = vec![
        table("migrate", "history"),
        table("Migrate", "Schema Migrations"),
        table("x\"; DROP TABLE canary; --", "y\"; DROP TABLE canary; --"),
        table("it's", "a $$ b $1 %s {} \\ '' \\' é"),
        table("select", "table"),
        table("public", "schema.with.dots"),
    ];
    tables.extend(bytes.iter().map(|name| table(name, name)));
    tables
}

#[test]
fn any_name_of_schema_and_table_works_and_nothing_else_is_executed() {
    let cluster = Cluster::start();
    let log = cluster.log();
    for history in names() {
        let database = cluster.database();
        let mut client = database.connect().unwrap();
        client.batch_execute("CREATE TABLE canary ()").unwrap();
        let mark = log.mark();
        let no_transaction = (
            "0002_b",
            "CREATE INDEX CONCURRENTLY canary_i ON canary ((1))",
            "DROP INDEX CONCURRENTLY canary_i",
        );
        let runner = migrator(database.url(), &[A, no_transaction]).history_table(history.clone());
        good(runner.dry_run(Goal::UpAll));
        assert_eq!(stems(&good(runner.run(Goal::UpAll))), ["0001_a", "0002_b"], "{history:?}");
        assert!(good(runner.run(Goal::UpAll)).done.is_empty(), "{history:?}");
        good(runner.verify());
        assert!(good(runner.status()).history_exists);
        assert!(!good(runner.log(None)).is_empty());
        assert!(good(runner.repair_plan()).repairs.is_empty());
        assert_eq!(good(runner.run(Goal::Redo(2))).done.len(), 4, "{history:?}");
        let row = client
            .query_one(
                "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = $1::text AND c.relname IN ($2::text, $2::text || '_log') AND c.relkind = 'r'",
                &[&history.schema, &history.name],
            )
            .unwrap();
        assert_eq!(row.get::<_, i64>(0), 2, "{history:?}");
        assert_eq!(answer(&mut client, "SELECT to_regclass('canary')"), "canary", "{history:?}");
        let dropped = log
            .statements(mark)
            .iter()
            .filter(|statement| statement.starts_with("DROP TABLE canary"))
            .count();
        assert_eq!((dropped, log.errors(mark).len()), (0, 0), "{history:?}: {:?}", log.errors(mark));
        good(runner.run(Goal::DownAll));
    }
}

/// PostgreSQL would cut it, and the history and its audit log could end as one table.
#[test]
fn a_name_that_the_server_would_cut_is_refused() {
    let database = migrate_testing::scratch().unwrap();
    let bad = [
        table("public", &"n".repeat(60)),
        table(&"s".repeat(64), "n"),
        table("public", ""),
        table("", "n"),
        table("a\0", "n"),
    ];
    for history in bad {
        let error =
            migrator(database.url(), &[A]).history_table(history.clone()).run(Goal::UpAll).unwrap_err();
        assert!(matches!(&error, Error::Settings { .. }), "{history:?}: {error:?}");
    }
    good(
        migrator(database.url(), &[A])
            .history_table(table(&"s".repeat(63), &"n".repeat(59)))
            .run(Goal::UpAll),
    );
}

#[test]
fn two_histories_in_one_database_do_not_meet() {
    let database = migrate_testing::scratch().unwrap();
    let runner =
        |schema: &str| migrator(database.url(), &[A]).history_table(table(schema, "schema_migrations"));
    good(runner("one").run(Goal::UpAll));
    let error = runner("two").run(Goal::UpAll).unwrap_err();
    assert!(matches!(&error, Error::Failed { failure } if failure.server.code == "42P07"), "{error:?}");
    good(runner("one").verify());
    assert!(matches!(runner("two").verify(), Err(Error::Pending { .. })));
}

/// Descriptions: what a file system allows in a name is stored byte for byte.
#[test]
fn any_description_is_stored_byte_for_byte() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let mut client = database.connect().unwrap();
    client.batch_execute("CREATE TABLE canary ()").unwrap();
    let wild = [
        "a'b",
        "a\"b",
        "a;DROP TABLE canary;--",
        "a\\b",
        "a\\'b",
        "$$a$$",
        "$1 %s {} ${x}",
        "--",
        "/*",
        "ünïcödé ☃",
        "E'\\\\'",
        &"x".repeat(240),
    ];
    let stems: Vec<String> =
        wild.iter().enumerate().map(|(index, name)| format!("{:04}_{name}", index + 1)).collect();
    let migrations: Vec<(&str, &str, &str)> =
        stems.iter().map(|stem| (stem.as_str(), "SELECT 1", "SELECT 2")).collect();
    apply(database.url(), &migrations);
    let rows =
        client.query("SELECT version FROM schema_migrations ORDER BY version COLLATE \"C\"", &[]).unwrap();
    let stored: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(stored, stems);
    let runner: Migrator = migrator(database.url(), &migrations);
    good(runner.verify());
    assert_eq!(
        good(runner.status()).entries.iter().map(|entry| entry.stem.clone()).collect::<Vec<_>>(),
        stems
    );
    assert_eq!(good(runner.run(Goal::DownAll)).done.len(), wild.len());
    assert_eq!(answer(&mut client, "SELECT to_regclass('canary')"), "canary");
}
