//! The SQL of a dry run is the SQL of the run: given to psql it ends in the same database.

use std::process::Command;

use migrate_runtime::Migrator;
use migrate_runtime::core::{Goal, Set};
use migrate_testing::{Binaries, ScratchDatabase};
use migrate_tests::migrations::{database, example, good, set};
use migrate_tests::wait::answer;
use migrate_tests::{Cluster, output};

fn psql(target: &ScratchDatabase, messages: &[String]) {
    let folder = tempfile::tempdir().unwrap();
    let program = Binaries::find(None).unwrap().program("psql").unwrap();
    // As it is printed: message after message, each ended.
    let script: String = messages
        .iter()
        .map(|sql| if sql.ends_with("\\.") { format!("{sql}\n") } else { format!("{sql}\n;\n") })
        .collect();
    let file = folder.path().join("run.sql");
    std::fs::write(&file, script).unwrap();
    let mut command = Command::new(program);
    command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f"]).arg(&file).arg(target.url());
    let output = output::capture(&mut command);
    assert_eq!(output.code, 0, "{}", output.stderr);
}

/// Runs the migrations, and runs psql with the dry run of them: up, then down to nothing.
fn compare(set: &Set, single: bool) {
    let (ours, theirs) = (migrate_testing::scratch().unwrap(), migrate_testing::scratch().unwrap());
    let on = |target: &ScratchDatabase| {
        Migrator::new(set.clone()).database(database(target.url())).single_transaction(single)
    };
    let history =
        "SELECT string_agg(version || checksum || dirty, ',' ORDER BY version) FROM schema_migrations";
    let log = "SELECT string_agg(version || action || outcome || coalesce(statement::text, '') || coalesce(md5(up_sql), '') || \
               coalesce(md5(down_sql), ''), ',' ORDER BY id) FROM schema_migrations_log";
    for goal in [Goal::UpAll, Goal::Redo(2), Goal::DownAll] {
        let planned = good(on(&theirs).dry_run(goal));
        psql(&theirs, &planned.sql);
        let report = good(on(&ours).run(goal));
        assert_eq!(planned.steps.len(), report.done.len());
        assert_eq!(theirs.schema().unwrap(), ours.schema().unwrap(), "{goal:?}");
        let (mut a, mut b) = (ours.connect().unwrap(), theirs.connect().unwrap());
        for question in [history, log] {
            assert_eq!(answer(&mut b, question), answer(&mut a, question), "{goal:?}");
        }
    }
}

#[test]
fn the_example_through_psql_is_the_example() {
    compare(&example(), false);
}

#[test]
fn in_one_transaction_and_with_copy_too() {
    let copy = "CREATE TABLE t (i int);\nCOPY t FROM stdin;\n1\n2\n\\.\nCREATE TABLE u AS TABLE t;\n";
    let migrations = [
        ("0001_t", copy, "DROP TABLE t, u"),
        ("0002_v", "CREATE VIEW v AS TABLE u -- no semicolon", "DROP VIEW v"),
        ("0003_w", "BEGIN; CREATE TABLE w (); COMMIT;", "BEGIN; DROP TABLE w; COMMIT;"),
    ];
    compare(&set(&migrations), true);
    compare(&set(&migrations), false);
}

#[test]
fn nothing_is_executed() {
    let cluster = Cluster::start();
    let scratch = cluster.database();
    let mark = cluster.log().mark();
    let runner = Migrator::new(example()).database(database(scratch.url()));
    let dry = good(runner.dry_run(Goal::UpAll));
    assert_eq!(dry.steps.len(), example().migrations.len());
    let statements = cluster.log().statements(mark);
    // For the message that it is in: whoever only looks waits for no table.
    let asks = "SET LOCAL lock_timeout = '2s';SELECT current_setting";
    assert!(statements.iter().all(|sql| sql.starts_with(asks)), "{statements:?}");
    assert!(good(runner.dry_run(Goal::DownAll)).sql.is_empty());
    good(runner.run(Goal::UpAll));
    assert!(good(runner.dry_run(Goal::UpAll)).sql.is_empty());
}
