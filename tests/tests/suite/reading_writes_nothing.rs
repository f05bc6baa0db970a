//! T41: what only reads needs only SELECT, and writes nothing: not on an empty database, not on a full one.

use std::time::Duration;

use migrate_runtime::core::Goal;
use migrate_runtime::{Error, Migrator, StatusState};
use migrate_tests::migrations::{apply, good, migrator};
use migrate_tests::wait::answer;
use migrate_tests::{Cluster, log};

const A: (&str, &str, &str) = ("0001_a", "CREATE TABLE a ()", "DROP TABLE a");
const B: (&str, &str, &str) = ("0002_b", "CREATE TABLE b ()", "DROP TABLE b");
const C: (&str, &str, &str) = ("0003_c", "CREATE INDEX CONCURRENTLY ON a ((1))", "DROP TABLE c");

/// Everything that only reads.
fn read_all(runner: &Migrator) {
    good(runner.status());
    good(runner.log(None));
    good(runner.log(Some(1)));
    good(runner.repair_plan());
    let _ = good(runner.dry_run(Goal::UpAll));
    let _ = good(runner.dry_run(Goal::DownAll));
    let _ = good(runner.dry_run(Goal::Redo(1)));
    assert!(matches!(runner.verify(), Err(Error::Pending { .. })));
    assert!(matches!(runner.wait(Duration::from_millis(1)), Err(Error::Pending { .. })));
}

/// Everything that was executed, message by message, is a question.
#[track_caller]
fn only_questions(log: &log::Log, mark: log::Mark) {
    let statements = log.statements(mark);
    assert!(!statements.is_empty());
    for message in &statements {
        for statement in message.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
            let allowed = [
                "SELECT",
                "BEGIN READ ONLY",
                "SET LOCAL row_security = off",
                "SET LOCAL lock_timeout = '2s'",
                "COMMIT",
            ];
            assert!(allowed.iter().any(|start| statement.starts_with(start)), "{statement}");
            assert!(!statement.contains("pg_try_advisory") && !statement.contains("nextval"), "{statement}");
        }
    }
    assert!(log.since(mark).iter().all(|entry| entry.xid == 0), "something got a transaction id");
    assert!(log.errors(mark).is_empty(), "{:?}", log.errors(mark));
}

#[test]
fn on_an_empty_database_a_role_that_may_only_connect_is_enough() {
    let cluster = Cluster::start();
    cluster.admin().batch_execute("CREATE ROLE reader LOGIN").unwrap();
    let database = cluster.database();
    let mut client = database.connect().unwrap();
    client.batch_execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC").unwrap();
    let runner = migrator(&database.url().replace("//postgres@", "//reader@"), &[A, B, C]);
    let mark = cluster.log().mark();
    read_all(&runner);
    only_questions(&cluster.log(), mark);
    let status = good(runner.status());
    assert!(!status.history_exists && status.entries.iter().all(|entry| entry.state == StatusState::Pending));
    assert_eq!(
        answer(&mut client, "SELECT count(*) FROM pg_class WHERE relname LIKE 'schema_migrations%'"),
        "0"
    );
}

#[test]
fn on_a_full_one_select_is_enough() {
    let cluster = Cluster::start();
    cluster.admin().batch_execute("CREATE ROLE reader LOGIN").unwrap();
    let database = cluster.database();
    apply(database.url(), &[A, B]);
    let mut client = database.connect().unwrap();
    client.batch_execute("GRANT SELECT ON schema_migrations, schema_migrations_log TO reader").unwrap();
    let tuples = "SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()";
    let writes = "SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relname = 'schema_migrations'";
    let modern = answer(&mut client, "SELECT current_setting('server_version_num')::int >= 150000") == "t";
    let count = |client: &mut postgres::Client| {
        if modern {
            client.simple_query(tuples).unwrap();
        }
        answer(client, writes)
    };
    let before = count(&mut client);
    let runner = migrator(&database.url().replace("//postgres@", "//reader@"), &[A, B, C]);
    let mark = cluster.log().mark();
    read_all(&runner);
    only_questions(&cluster.log(), mark);
    assert_eq!(count(&mut client), before);
    // Without the audit log the history alone still answers.
    client.batch_execute("REVOKE ALL ON schema_migrations_log FROM reader").unwrap();
    let status = good(runner.status());
    assert_eq!(
        status.entries.iter().map(|entry| entry.by.is_some()).collect::<Vec<_>>(),
        [false, false, false]
    );
    assert!(matches!(runner.verify(), Err(Error::Pending { .. })));
    let error = runner.log(None).unwrap_err();
    assert!(error.hint().contains("GRANT SELECT"), "{}", error.hint());
}

/// Up to date: one question, and nothing else, whatever the number of migrations is.
#[test]
fn up_to_date_is_one_question() {
    let cluster = Cluster::start();
    let database = cluster.database();
    apply(database.url(), &[A, B]);
    let runner = migrator(database.url(), &[A, B]);
    for check in
        [|runner: &Migrator| good(runner.verify()), |runner: &Migrator| drop(good(runner.run(Goal::UpAll)))]
    {
        let mark = cluster.log().mark();
        check(&runner);
        assert_eq!(cluster.log().statements(mark).len(), 1, "{:?}", cluster.log().statements(mark));
        only_questions(&cluster.log(), mark);
    }
}
