//! The checks of migrations in the engine: what they keep from being applied, and what they cost.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use migrate_runtime::checks::{Outcome, Verdict};
use migrate_runtime::core::{CheckScript, Goal, Migration, Moment, Set};
use migrate_runtime::{Error, Event, Interrupt, Migrator};
use migrate_testing::ScratchDatabase;
use migrate_tests::Cluster;
use migrate_tests::migrations::{database, good, migration, recorded};
use migrate_tests::wait::{answer, poll_until};

fn checked(stem: &str, up: &str, down: &str, checks: &str) -> Migration {
    let script = CheckScript::parse(&format!("{stem}.check.sql"), checks.to_owned());
    Migration { check: Some(script.unwrap_or_else(|error| panic!("{error}"))), ..migration(stem, up, down) }
}

/// A table with rows.
fn people() -> Migration {
    migration(
        "0001_people",
        "CREATE TABLE people (id int, email text); INSERT INTO people VALUES (1, 'a@b'), (2, 'a@b'), (3, 'c@d')",
        "DROP TABLE people",
    )
}

const DUPLICATES: &str = "-- migrate: before\n-- no two people have one address\n\
                          SELECT email, count(*) FROM people GROUP BY email HAVING count(*) > 1;\n";
/// A savepoint's and a session's worth of things that a script can leave behind it.
const UNIQUE: &str = "SET search_path = pg_catalog; SET statement_timeout = '7s'; SET ROLE pg_monitor; RESET ROLE; \
                      CREATE UNIQUE INDEX people_email ON public.people (email)";
const CONCURRENT: &str = "CREATE INDEX CONCURRENTLY people_email ON people (email)";

fn runner(scratch: &ScratchDatabase, migrations: Vec<Migration>) -> Migrator {
    Migrator::new(Set::new("migrations", migrations)).database(database(scratch.url()))
}

#[track_caller]
fn unheld(error: Error) -> (String, Moment, Vec<Outcome>, bool) {
    match error {
        Error::CheckFailed { stem, moment, failed, applied } => (stem, moment, failed, applied),
        error => panic!("{error:?}"),
    }
}

fn history(scratch: &ScratchDatabase) -> String {
    let sql = "SELECT coalesce(string_agg(version || CASE WHEN dirty THEN ' dirty' ELSE '' END, ',' ORDER BY version), '') \
               FROM schema_migrations";
    answer(&mut scratch.connect().unwrap(), sql)
}

fn log_of(scratch: &ScratchDatabase, version: &str) -> String {
    let sql = format!(
        "SELECT string_agg(action || ' ' || outcome, ', ' ORDER BY id) FROM schema_migrations_log WHERE version = '{version}'"
    );
    answer(&mut scratch.connect().unwrap(), &sql)
}

fn exists(scratch: &ScratchDatabase, relation: &str) -> bool {
    answer(&mut scratch.connect().unwrap(), &format!("SELECT to_regclass('{relation}') IS NOT NULL")) == "t"
}

#[test]
fn a_check_before_keeps_a_migration_from_being_run() {
    let scratch = migrate_testing::scratch().unwrap();
    let checks = format!("{DUPLICATES}-- migrate: after\nSELECT true;");
    let all = || vec![people(), checked("0002_unique", UNIQUE, "DROP INDEX people_email", &checks)];
    let error = runner(&scratch, all()).run(Goal::UpAll).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`0002_unique` was not applied: a check before it failed: no two people have one address"
    );
    assert!(error.hint().contains("nothing of it was run"));
    let (stem, moment, failed, applied) = unheld(error);
    assert_eq!((stem.as_str(), moment, failed.len(), applied), ("0002_unique", Moment::Before, 1, false));
    let Verdict::Found(found) = &failed[0].verdict else { panic!("{failed:?}") };
    assert_eq!(found.rows, [[Some("a@b".to_owned()), Some("2".to_owned())]]);
    assert_eq!(history(&scratch), "0001_people");
    assert_eq!(log_of(&scratch, "0002_unique"), "check failed");
    let mut client = scratch.connect().unwrap();
    let message = answer(&mut client, "SELECT message FROM schema_migrations_log WHERE action = 'check'");
    assert_eq!(message, "no two people have one address: found 1 row (0002_unique.check.sql:3, before it)");
    client.batch_execute("DELETE FROM people WHERE id = 2").unwrap();
    let report = good(runner(&scratch, all()).run(Goal::UpAll));
    assert_eq!(report.done.len(), 1);
    assert!(exists(&scratch, "people_email"));
    good(runner(&scratch, all()).verify());
}

#[test]
fn a_check_behind_rolls_back() {
    let scratch = migrate_testing::scratch().unwrap();
    // In the eyes of the check the script's search_path, role and time limit are gone.
    let checks = "-- nobody was lost\nSELECT count(*) = 3 FROM people;\n\
                  SELECT current_setting('search_path'), current_setting('statement_timeout'), \
                  current_setting('application_name'), current_user = session_user;\nSELECT missing;";
    let move_up = "SET search_path = pg_catalog; SET statement_timeout = '7s'; SET ROLE pg_monitor; RESET ROLE; \
                   DELETE FROM public.people WHERE id = 3; CREATE TEMP TABLE people (id int)";
    let error = runner(&scratch, vec![people(), checked("0002_move", move_up, "SELECT 1", checks)])
        .run(Goal::UpAll)
        .unwrap_err();
    assert_eq!(error.to_string(), "`0002_move` was rolled back: 3 checks behind it failed");
    let (_, moment, failed, applied) = unheld(error);
    assert_eq!((moment, applied), (Moment::After, false));
    let verdicts: Vec<_> = failed.iter().map(|outcome| outcome.verdict.to_string()).collect();
    assert_eq!(verdicts, ["is false", "found 1 row", "could not be run: column \"missing\" does not exist"]);
    let Verdict::Found(found) = &failed[1].verdict else { panic!() };
    let row: Vec<_> = found.rows[0].iter().map(|value| value.as_deref().unwrap_or_default()).collect();
    assert_eq!(row, ["\"$user\", public", "0", "migrate-runtime: 0002_move", "t"]);
    assert_eq!(history(&scratch), "0001_people");
    let mut client = scratch.connect().unwrap();
    assert_eq!(answer(&mut client, "SELECT count(*) FROM people"), "3");
    assert_eq!(log_of(&scratch, "0002_move"), "check failed, check failed, check failed");
}

#[test]
fn what_holds_is_applied_and_told() {
    let scratch = migrate_testing::scratch().unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let checks = "-- migrate: before\nSELECT count(*) = 3 FROM people; SELECT 1 WHERE false;\n\
                  -- migrate: after\nSELECT 1 FROM people WHERE email IS NULL;";
    let migrations = vec![
        people(),
        checked("0002_a", "ALTER TABLE people ADD COLUMN a int", "ALTER TABLE people DROP COLUMN a", checks),
    ];
    let runner = runner(&scratch, migrations).on_event(move |event| {
        if let Event::Checked { stem, moment, checks, failed, .. } = event {
            heard.lock().unwrap().push((stem.clone(), *moment, *checks, *failed));
        }
    });
    good(runner.run(Goal::UpAll));
    let of = |moment, checks| ("0002_a".to_owned(), moment, checks, 0);
    assert_eq!(*told.lock().unwrap(), [of(Moment::Before, 2), of(Moment::After, 1)]);
    assert_eq!(log_of(&scratch, "0002_a"), "up ok");
    // The way back has no checks; up again they are run again.
    told.lock().unwrap().clear();
    good(runner.run(Goal::Redo(1)));
    assert_eq!(told.lock().unwrap().len(), 2);
    let mut client = scratch.connect().unwrap();
    client.batch_execute("INSERT INTO people VALUES (4, 'e@f')").unwrap();
    assert!(matches!(runner.run(Goal::Redo(1)), Err(Error::CheckFailed { moment: Moment::Before, .. })));
    assert_eq!(history(&scratch), "0001_people", "the way back was committed before");
}

#[test]
fn one_transaction_for_all_is_undone_as_a_whole() {
    let scratch = migrate_testing::scratch().unwrap();
    let migrations = vec![
        people(),
        checked(
            "0002_a",
            "CREATE TABLE a ()",
            "DROP TABLE a",
            "-- migrate: before\nTABLE people LIMIT 0;\n-- migrate: after\nTABLE a;",
        ),
        checked(
            "0003_b",
            "CREATE TABLE b ()",
            "DROP TABLE b",
            "-- migrate: before\nSELECT to_regclass('a') IS NULL;",
        ),
    ];
    let error = runner(&scratch, migrations).single_transaction(true).run(Goal::UpAll).unwrap_err();
    let (stem, ..) = unheld(error);
    assert_eq!(stem, "0003_b");
    assert_eq!(history(&scratch), "");
    assert!(!exists(&scratch, "people") && !exists(&scratch, "a"));
    assert_eq!(log_of(&scratch, "0003_b"), "check failed");
}

#[test]
fn a_proof_and_checks_go_together() {
    let scratch = migrate_testing::scratch().unwrap();
    let checks = "-- migrate: before\nSELECT count(*) = 3 FROM people;\n-- migrate: after\nSELECT count(*) = 2 FROM people;";
    let up = "ALTER TABLE people ADD COLUMN a int";
    let mut set =
        Set::new("migrations", vec![people(), migration("0002_a", up, "ALTER TABLE people DROP COLUMN a")]);
    set = recorded(&set);
    let mut migrations = set.migrations.into_owned();
    migrations[1].check = checked("0002_a", up, "", checks).check;
    let error = runner(&scratch, migrations.clone()).prove(true).run(Goal::UpAll).unwrap_err();
    assert_eq!(unheld(error).1, Moment::After);
    scratch.connect().unwrap().batch_execute("UPDATE people SET id = 1").unwrap();
    migrations[1].check = checked("0002_a", up, "", &checks.replace("= 2", "= 3")).check;
    good(runner(&scratch, migrations).prove(true).run(Goal::UpAll));
    assert_eq!(history(&scratch), "0001_people,0002_a");
}

/// It cannot be rolled back: before nothing is written, behind it is applied, recorded, and told.
#[test]
fn a_migration_without_a_transaction() {
    let scratch = migrate_testing::scratch().unwrap();
    let of = |checks: &str| {
        vec![people(), checked("0002_i", CONCURRENT, "DROP INDEX CONCURRENTLY people_email", checks)]
    };
    let both = format!(
        "{DUPLICATES}-- migrate: after\n-- it is valid\nSELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass('people_email');"
    );
    let error = runner(&scratch, of(&both)).run(Goal::UpAll).unwrap_err();
    let (_, moment, failed, applied) = unheld(error);
    assert_eq!((moment, failed.len(), applied), (Moment::Before, 1, false));
    assert_eq!(history(&scratch), "0001_people");
    assert_eq!(log_of(&scratch, "0002_i"), "check failed");
    scratch.connect().unwrap().batch_execute("DELETE FROM people WHERE id = 2").unwrap();
    let error = runner(&scratch, of(&both)).run(Goal::UpAll).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`0002_i` is applied, for it is not transactional: a check behind it failed: it is valid"
    );
    let (_, moment, failed, applied) = unheld(error);
    assert_eq!(
        (moment, failed[0].verdict.clone(), applied),
        (Moment::After, Verdict::NotTrue(Some(false)), true)
    );
    assert_eq!(history(&scratch), "0001_people,0002_i");
    assert!(log_of(&scratch, "0002_i").ends_with("up ok, check failed"), "{}", log_of(&scratch, "0002_i"));
    // Done is done: the next run has nothing to do.
    assert_eq!(good(runner(&scratch, of(&both)).run(Goal::UpAll)).done.len(), 0);
    good(runner(&scratch, of(&both)).run(Goal::DownSteps(1)));
    good(runner(&scratch, of(DUPLICATES)).run(Goal::UpAll));
}

/// The statement that failed is mended and the run is resumed: what was asked before is not asked of what is half done.
#[test]
fn what_is_resumed_is_not_checked_before_again() {
    let scratch = migrate_testing::scratch().unwrap();
    let up = "-- migrate: no-transaction\nDELETE FROM people WHERE id = 2;\nCREATE INDEX CONCURRENTLY i ON people (email);\nSELECT 1 / (SELECT count(*) - 2 FROM people);\n";
    let checks = "-- migrate: before\nSELECT count(*) = 3 FROM people;\n-- migrate: after\nSELECT count(*) = 3 FROM people;";
    let all = || vec![people(), checked("0002_half", up, "SELECT 1", checks)];
    let error = runner(&scratch, all()).run(Goal::UpAll).unwrap_err();
    assert!(matches!(&error, Error::Dirty { progress: Some((2, 3)), .. }), "{error:?}");
    let mut client = scratch.connect().unwrap();
    client.batch_execute("INSERT INTO people VALUES (4, 'x'), (5, 'y')").unwrap();
    let error = runner(&scratch, all()).run(Goal::UpAll).unwrap_err();
    let (_, moment, _, applied) = unheld(error);
    assert_eq!((moment, applied), (Moment::After, true));
    assert_eq!(history(&scratch), "0001_people,0002_half");
}

#[test]
fn a_lock_in_the_way_of_a_check_is_tried_again() {
    let scratch = migrate_testing::scratch().unwrap();
    good(runner(&scratch, vec![people()]).run(Goal::UpAll));
    for up in ["CREATE TABLE a ()", "-- migrate: no-transaction\nCREATE TABLE a ()"] {
        let mut blocker = scratch.connect().unwrap();
        blocker.batch_execute("BEGIN; LOCK TABLE people").unwrap();
        let migrations = vec![
            people(),
            checked("0002_a", up, "DROP TABLE a", "-- migrate: before\nTABLE people LIMIT 0;"),
        ];
        let retried = Arc::new(Mutex::new(Some(blocker)));
        let runner =
            runner(&scratch, migrations).lock_timeout(Duration::from_millis(100)).on_event(move |event| {
                if let Event::Retrying { .. } = event {
                    // A client of its own must not be dropped on a thread that drives a runtime.
                    let blocker = retried.lock().unwrap().take();
                    std::thread::spawn(move || drop(blocker)).join().unwrap();
                }
            });
        good(runner.run(Goal::UpAll));
        good(runner.run(Goal::DownSteps(1)));
    }
    // And not for ever.
    let mut blocker = scratch.connect().unwrap();
    blocker.batch_execute("BEGIN; LOCK TABLE people").unwrap();
    for (up, transactional) in
        [("CREATE TABLE a ()", true), ("-- migrate: no-transaction\nCREATE TABLE a ()", false)]
    {
        let migrations = vec![
            people(),
            checked("0002_a", up, "DROP TABLE a", "-- migrate: before\nTABLE people LIMIT 0;"),
        ];
        let error = runner(&scratch, migrations)
            .lock_timeout(Duration::from_millis(50))
            .lock_retry(Duration::from_millis(300))
            .run(Goal::UpAll)
            .unwrap_err();
        match error {
            Error::TableLock { failure, .. } if transactional => {
                assert_eq!(failure.file, "0002_a.check.sql");
                let (start, end) = failure.statement.unwrap();
                assert_eq!(&failure.text[start..end], "TABLE people LIMIT 0");
            }
            Error::CheckFailed { failed, .. } if !transactional => {
                let Verdict::Refused { server, .. } = &failed[0].verdict else { panic!("{failed:?}") };
                assert_eq!(server.code, "55P03");
            }
            error => panic!("{error:?}"),
        }
        assert_eq!(history(&scratch), "0001_people");
    }
}

#[test]
fn an_interrupt_stops_a_check() {
    let scratch = migrate_testing::scratch().unwrap();
    for (up, moment) in [
        ("CREATE TABLE a ()", "before"),
        ("CREATE TABLE a ()", "after"),
        ("-- migrate: no-transaction\nCREATE TABLE a ()", "before"),
    ] {
        let interrupt = Interrupt::new();
        let checks = format!("-- migrate: {moment}\nSELECT pg_sleep(600);");
        let migrations = vec![people(), checked("0002_a", up, "DROP TABLE a", &checks)];
        let runner = runner(&scratch, migrations).interrupt(interrupt.clone());
        let run = std::thread::spawn(move || runner.run(Goal::UpAll));
        let mut client = scratch.connect().unwrap();
        let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
        poll_until(&mut client, asleep, "1");
        interrupt.trigger(15);
        let error = run.join().unwrap().unwrap_err();
        assert!(matches!(&error, Error::Interrupted { signal: 15, stem: Some(_) }), "{error:?}");
        poll_until(&mut client, asleep, "0");
        assert_eq!(history(&scratch), "0001_people");
        assert!(!exists(&scratch, "a"));
    }
    // Behind a migration that is there: dirty, and finished by the next run.
    let interrupt = Interrupt::new();
    let up = "-- migrate: no-transaction\nCREATE TABLE a ()";
    let slow = "-- migrate: after\nSELECT pg_sleep(600) IS NULL;";
    let runner_of =
        |checks: &str| runner(&scratch, vec![people(), checked("0002_a", up, "DROP TABLE a", checks)]);
    let slow = runner_of(slow).interrupt(interrupt.clone());
    let run = std::thread::spawn(move || slow.run(Goal::UpAll));
    let mut client = scratch.connect().unwrap();
    poll_until(
        &mut client,
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()",
        "1",
    );
    interrupt.trigger(2);
    assert!(matches!(run.join().unwrap().unwrap_err(), Error::Interrupted { .. }));
    assert_eq!(history(&scratch), "0001_people,0002_a dirty");
    let error = runner_of("SELECT false").run(Goal::UpAll).unwrap_err();
    assert!(unheld(error).3);
    assert_eq!(history(&scratch), "0001_people,0002_a");
}

/// What checks cost those who have none: nothing. One message a migration, and one to see that nothing is pending.
#[test]
fn without_checks_no_message_more_is_sent() {
    let cluster = Cluster::builder().setting("log_statement", "all").start();
    let scratch = cluster.database();
    let with = || {
        vec![
            people(),
            checked("0002_a", "CREATE TABLE a ()", "DROP TABLE a", "SELECT true; SELECT 1 WHERE false;"),
        ]
    };
    let without = || vec![people(), migration("0002_a", "CREATE TABLE a ()", "DROP TABLE a")];
    let messages = |migrations: Vec<Migration>| {
        let log = cluster.log();
        let mark = log.mark();
        good(runner(&scratch, migrations).run(Goal::UpAll));
        log.statements(mark).len()
    };
    let first = messages(without());
    good(runner(&scratch, without()).run(Goal::DownAll));
    // Its two checks, one of which is asked for its type too, and what comes behind them.
    assert_eq!(messages(with()), first + 4);
    let nothing = messages(with());
    assert_eq!(messages(without()), nothing);
    assert_eq!(nothing, 1);
}

#[test]
fn a_dry_run_shows_the_checks_where_they_run() {
    let scratch = migrate_testing::scratch().unwrap();
    let checks =
        "-- migrate: before\nSELECT 'one' WHERE false;\n-- migrate: after\nSELECT 'two' WHERE false;";
    for up in ["CREATE TABLE a ()", "-- migrate: no-transaction\nCREATE TABLE a ()"] {
        let planned =
            good(runner(&scratch, vec![checked("0001_a", up, "DROP TABLE a", checks)]).dry_run(Goal::UpAll));
        let sql = planned.sql.join("\n;\n");
        let at = |text: &str| sql.find(text).unwrap_or_else(|| panic!("{text} is not in\n{sql}"));
        assert!(at("SELECT 'one'") < at("CREATE TABLE a"), "{sql}");
        assert!(at("CREATE TABLE a") < at("SELECT 'two'"), "{sql}");
        assert!(at("SELECT 'two'") < sql.rfind("INSERT INTO").unwrap(), "{sql}");
        assert_eq!(sql.matches("transaction_read_only = on").count(), 2);
    }
    assert!(!exists(&scratch, "schema_migrations"));
}

/// The sessions of a run with checks are ended at each of its events: applied and recorded, or neither.
#[test]
fn a_run_ended_at_any_event() {
    let checks =
        "-- migrate: before\nSELECT count(*) = 3 FROM people;\n-- migrate: after\nSELECT 1 WHERE false;";
    let all = || vec![people(), checked("0002_a", "CREATE TABLE a ()", "DROP TABLE a", checks)];
    let mut scratch = migrate_testing::scratch().unwrap();
    let mut cuts = 0;
    for number in 1..200 {
        scratch = migrate_testing::scratch().unwrap();
        let stop = Arc::new(Mutex::new(0));
        let (counted, url) = (Arc::clone(&stop), scratch.url().to_owned());
        // Every event is a moment at which the server ends the session.
        let ended = runner(&scratch, all()).on_event(move |_| {
            let mut counted = counted.lock().unwrap();
            *counted += 1;
            if *counted == number {
                let url = url.clone();
                // A client of its own cannot be made on a thread that drives a runtime.
                let end = std::thread::spawn(move || {
                    let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
                    let sessions = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                                    AND application_name LIKE 'migrate-runtime%'";
                    client.batch_execute(sessions).unwrap();
                });
                end.join().unwrap();
            }
        });
        let ended = std::thread::spawn(move || ended.run(Goal::UpAll)).join().unwrap();
        let applied = history_or_none(&scratch);
        assert_eq!(exists(&scratch, "people"), applied.contains("0001_people"), "{number}: {applied}");
        assert_eq!(exists(&scratch, "a"), applied.contains("0002_a"), "{number}: {applied}");
        let events = *stop.lock().unwrap();
        if events < number {
            good(ended);
            break;
        }
        cuts += 1;
        good(runner(&scratch, all()).run(Goal::UpAll));
    }
    assert!(cuts > 5, "{cuts}");
    good(runner(&scratch, all()).verify());
}

fn history_or_none(scratch: &ScratchDatabase) -> String {
    if exists(scratch, "schema_migrations") { history(scratch) } else { String::new() }
}
