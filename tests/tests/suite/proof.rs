//! The proof: a migration commits only if it changed the schema as it is recorded.

use migrate_core::lock::Lock;
use migrate_runtime::core::schema::Diff;
use migrate_runtime::core::{Checksum, Direction, Goal, Set, Version};
use migrate_runtime::event::RetryReason;
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{Error, Event, Migrator};
use migrate_tests::dump;
use migrate_tests::migrations::{database, good, set, stems};
use migrate_tests::wait::{answer, poll_until};
use postgres::Client;

const A: (&str, &str, &str) = ("0001_a", "CREATE TABLE a (id int PRIMARY KEY, old text)", "DROP TABLE a");
const B: (&str, &str, &str) = (
    "0002_b",
    "ALTER TABLE a ADD COLUMN b text NOT NULL DEFAULT ''; CREATE INDEX a_b ON a (b)",
    "ALTER TABLE a DROP COLUMN b",
);

fn recorded(migrations: &[(&str, &str, &str)]) -> Set {
    migrate_tests::migrations::recorded(&set(migrations))
}

fn proving(set: &Set, url: &str) -> Migrator {
    Migrator::new(set.clone()).database(database(url)).prove(true)
}

fn disproof(error: Error) -> Box<migrate_runtime::error::Disproof> {
    match error {
        Error::Disproved { disproof } => disproof,
        error => panic!("{error:?}"),
    }
}

fn history(client: &mut Client) -> String {
    answer(client, "SELECT coalesce(string_agg(version, ',' ORDER BY version), '') FROM schema_migrations")
}

#[test]
fn what_changes_the_schema_as_recorded_is_committed() {
    let set = recorded(&[A, B]);
    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    let runner = proving(&set, database.url());
    assert_eq!(stems(&good(runner.run(Goal::UpAll))), ["0001_a", "0002_b"]);
    assert_eq!(history(&mut client), "0001_a,0002_b");
    assert_eq!(stems(&good(runner.run(Goal::Redo(1)))), ["0002_b", "0002_b"]);
    assert_eq!(stems(&good(runner.run(Goal::DownAll))), ["0002_b", "0001_a"]);
    assert_eq!(stems(&good(runner.clone().single_transaction(true).run(Goal::UpAll))), ["0001_a", "0002_b"]);
    assert_eq!(stems(&good(runner.single_transaction(true).run(Goal::DownAll))), ["0002_b", "0001_a"]);
    assert_eq!(history(&mut client), "");
}

/// Each of these is in the database of production and not in that of CI, and has nothing to do with the change.
#[test]
fn what_else_is_in_the_database_does_not_matter() {
    let set = recorded(&[A, B]);
    for (what, sql) in [
        ("another table", "CREATE TABLE other (id int); CREATE VIEW v AS SELECT id FROM other"),
        ("a column of the altered table", "ALTER TABLE a ADD COLUMN extra int; CREATE INDEX ON a (extra)"),
        ("columns in another order", "ALTER TABLE a DROP COLUMN old; ALTER TABLE a ADD COLUMN old text"),
        (
            "default privileges",
            "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC; GRANT INSERT ON a TO PUBLIC",
        ),
        ("an owner", "CREATE ROLE proof_owner; ALTER TABLE a OWNER TO proof_owner"),
    ] {
        let database = migrate_testing::scratch().unwrap();
        let mut client = database.connect().unwrap();
        let runner = proving(&set, database.url());
        good(runner.run(Goal::UpTo(Version::new(1))));
        client.batch_execute(sql).unwrap_or_else(|error| panic!("{what}: {error}"));
        let ran = runner.run(Goal::UpAll);
        assert_eq!(stems(&ran.unwrap_or_else(|error| panic!("{what}: {error:?}"))), ["0002_b"]);
        assert_eq!(stems(&good(runner.run(Goal::DownSteps(1)))), ["0002_b"], "{what}");
        if what == "an owner" {
            client.batch_execute("DROP OWNED BY proof_owner CASCADE; DROP ROLE proof_owner").unwrap();
        }
    }
}

/// A digest is the same whether the snapshots had owners and grants or not.
#[test]
fn a_digest_leaves_out_what_a_portable_snapshot_does() {
    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    let runner = proving(&set(&[]), database.url());
    let both = || {
        let full = SchemaOptions { owners: true, grants: true, ..SchemaOptions::default() };
        [full, SchemaOptions::portable()].map(|options| good(runner.schema(&options)))
    };
    client.batch_execute("CREATE TABLE a (id int, b text); CREATE SCHEMA s").unwrap();
    let mut before = both();
    for (sql, nothing) in [
        (
            "GRANT SELECT ON a TO PUBLIC; GRANT UPDATE (b) ON a TO PUBLIC; ALTER TABLE a OWNER TO pg_monitor",
            true,
        ),
        ("ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO PUBLIC", true),
        ("ALTER DEFAULT PRIVILEGES IN SCHEMA s REVOKE SELECT ON TABLES FROM PUBLIC", true),
        (
            "CREATE TABLE s.t (id int); ALTER TABLE s.t OWNER TO pg_monitor; GRANT SELECT ON s.t TO PUBLIC",
            false,
        ),
        ("ALTER TABLE a ADD COLUMN c int; REVOKE ALL ON a FROM PUBLIC", false),
        (
            "DROP SCHEMA s CASCADE; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1'; GRANT EXECUTE ON FUNCTION f TO pg_monitor",
            false,
        ),
    ] {
        client.batch_execute(sql).unwrap();
        let after = both();
        let [full, portable] = [0, 1].map(|index| before[index].diff(&after[index]));
        assert_eq!(full.portable().text(), portable.portable().text(), "{sql}");
        assert_eq!(full.digest(), portable.digest(), "{sql}");
        assert_eq!(portable.is_empty(), nothing, "{sql}\n{}", portable.text());
        assert!(!full.is_empty() || !nothing, "{sql}");
        before = after;
    }
}

/// Each of these makes the same file do something else.
#[test]
fn what_changes_it_otherwise_is_rolled_back() {
    let lenient = ("0002_t", "CREATE TABLE IF NOT EXISTS t (id int, name text)", "DROP TABLE t");
    let branching = (
        "0002_t",
        "DO $$ BEGIN IF to_regclass('flag') IS NULL THEN CREATE TABLE t (id int); \
         ELSE CREATE TABLE t (id bigint); END IF; END $$",
        "DROP TABLE t",
    );
    let plain = ("0002_t", "CREATE TABLE t (id int)", "DROP TABLE t");
    let trigger = "CREATE FUNCTION add_stamp() RETURNS event_trigger LANGUAGE plpgsql AS $f$ BEGIN \
                   IF to_regclass('public.t') IS NOT NULL THEN \
                   ALTER TABLE public.t ADD COLUMN IF NOT EXISTS stamp timestamptz; END IF; END $f$; \
                   CREATE EVENT TRIGGER stamp ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION add_stamp()";
    for (what, migration, sql, shown) in [
        ("another table of this name", lenient, "CREATE TABLE t (id bigint)", ""),
        ("the same table", lenient, "CREATE TABLE t (id int, name text)", ""),
        ("another branch", branching, "CREATE TABLE flag ()", "column id bigint"),
        ("an event trigger", plain, trigger, "column stamp"),
    ] {
        let set = recorded(&[A, migration]);
        let database = migrate_testing::scratch().unwrap();
        let mut client = database.connect().unwrap();
        let runner = proving(&set, database.url());
        good(runner.run(Goal::UpTo(Version::new(1))));
        client.batch_execute(sql).unwrap();
        let before = dump::schema(database.url(), &[]);
        let error = runner.run(Goal::UpAll).unwrap_err();
        assert!(error.hint().contains("cargo migrate drift"), "{}", error.hint());
        let disproof = disproof(error);
        assert_eq!((disproof.stem.as_str(), disproof.direction), ("0002_t", Direction::Up), "{what}");
        assert_eq!(Some(disproof.recorded), set.migrations[1].up.change);
        assert_eq!(disproof.found, disproof.diff.digest());
        assert!(!disproof.applied);
        assert!(disproof.diff.text().contains(shown), "{what}: {}", disproof.diff.text());
        assert_eq!(dump::schema(database.url(), &[]), before, "{what}");
        assert_eq!(history(&mut client), "0001_a", "{what}");
        let log = "SELECT action || ' ' || outcome || ' ' || message FROM schema_migrations_log ORDER BY id DESC LIMIT 1";
        let line = answer(&mut client, log);
        assert!(line.starts_with("up failed changed the schema otherwise than recorded"), "{line}");
        assert!(line.contains(shown) && line.contains(&disproof.found.to_string()), "{line}");
        // Without the proof it is as ever, and on one that is as it should be so is the proof.
        good(runner.clone().prove(false).run(Goal::UpAll));
        assert_eq!(history(&mut client), "0001_a,0002_t", "{what}");
    }
}

#[test]
fn a_down_that_takes_more_with_it_is_rolled_back() {
    let set = recorded(&[A, B]);
    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    let runner = proving(&set, database.url());
    good(runner.run(Goal::UpAll));
    client.batch_execute("CREATE INDEX mine ON a (id, b)").unwrap();
    let before = dump::schema(database.url(), &[]);
    let disproof = disproof(runner.run(Goal::DownSteps(1)).unwrap_err());
    assert_eq!(disproof.direction, Direction::Down);
    assert!(disproof.diff.text().contains("mine"), "{}", disproof.diff.text());
    assert_eq!(dump::schema(database.url(), &[]), before);
    assert_eq!(history(&mut client), "0001_a,0002_b");
}

#[test]
fn in_a_single_transaction_one_that_differs_takes_all_back() {
    let set = recorded(&[A, B]);
    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    client
        .batch_execute(
            "CREATE FUNCTION more() RETURNS event_trigger LANGUAGE plpgsql AS $f$ BEGIN \
             CREATE TABLE IF NOT EXISTS public.more (); END $f$; \
             CREATE EVENT TRIGGER more ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION more()",
        )
        .unwrap();
    let disproof =
        disproof(proving(&set, database.url()).single_transaction(true).run(Goal::UpAll).unwrap_err());
    assert_eq!(disproof.stem, "0002_b");
    assert!(disproof.diff.text().contains("+ table public.more"), "{}", disproof.diff.text());
    assert!(!disproof.diff.text().contains("+ table public.a"), "{}", disproof.diff.text());
    assert_eq!(history(&mut client), "");
    assert_eq!(answer(&mut client, "SELECT to_regclass('a') IS NULL"), "t");
}

#[test]
fn what_is_not_recorded_is_refused_before_anything_runs() {
    let mut migrations = recorded(&[A, B]).migrations.into_owned();
    migrations[1].up.change = None;
    let database = migrate_testing::scratch().unwrap();
    let runner = proving(&Set::new("migrations", migrations.clone()), database.url());
    let error = runner.run(Goal::UpAll).unwrap_err();
    assert!(error.hint().contains("verify --record"), "{}", error.hint());
    let Error::NotRecorded { steps } = &error else { panic!("{error:?}") };
    assert_eq!(steps.iter().map(|step| step.stem.as_str()).collect::<Vec<_>>(), ["0002_b"]);
    assert!(matches!(runner.dry_run(Goal::UpAll), Err(Error::NotRecorded { .. })));
    let mut client = database.connect().unwrap();
    assert_eq!(answer(&mut client, "SELECT to_regclass('a') IS NULL"), "t");
    good(runner.run(Goal::UpTo(Version::new(1))));
    // A down that only the history knows has no record either.
    let older = Set::new("migrations", vec![]);
    let error = proving(&older, database.url()).run(Goal::DownAll).unwrap_err();
    assert!(error.to_string().contains("the down of `0001_a`"), "{error}");
    good(proving(&older, database.url()).prove(false).run(Goal::DownAll));
}

/// Somebody else's change that falls between the two readings is not the migration's.
#[test]
fn a_change_of_somebody_else_meanwhile_is_told_apart() {
    let waits = ("0002_t", "CREATE TABLE t (); SELECT pg_advisory_xact_lock(42)", "DROP TABLE t");
    let set = recorded(&[A, waits]);
    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    good(proving(&set, database.url()).run(Goal::UpTo(Version::new(1))));
    client.batch_execute("SELECT pg_advisory_lock(42)").unwrap();
    let (sender, retries) = std::sync::mpsc::channel();
    let runner = proving(&set, database.url()).on_event(move |event| {
        if let Event::Retrying { reason, .. } = event {
            sender.send(*reason).unwrap();
        }
    });
    let run = std::thread::spawn(move || runner.run(Goal::UpAll));
    poll_until(
        &mut client,
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND NOT granted",
        "1",
    );
    client.batch_execute("CREATE TABLE beside (); SELECT pg_advisory_unlock(42)").unwrap();
    let report = good(run.join().unwrap());
    assert_eq!(report.done[0].attempts, 2);
    assert_eq!(retries.try_iter().collect::<Vec<_>>(), [RetryReason::SchemaChanged]);
    assert_eq!(history(&mut client), "0001_a,0002_t");
}

/// It commits by itself, so that it can only be told.
#[test]
fn a_non_transactional_migration_is_compared_when_it_is_done() {
    let concurrent = (
        "0002_i",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS a_old ON a (old)",
        "DROP INDEX CONCURRENTLY a_old",
    );
    let set = recorded(&[A, concurrent, ("0003_b", B.1, B.2)]);
    let clean = migrate_testing::scratch().unwrap();
    let runner = proving(&set, clean.url());
    assert_eq!(good(runner.run(Goal::UpAll)).done.len(), 3);
    good(runner.run(Goal::DownAll));

    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    let runner = proving(&set, database.url());
    good(runner.run(Goal::UpTo(Version::new(1))));
    client.batch_execute("CREATE INDEX a_old ON a (old, id)").unwrap();
    let error = runner.run(Goal::UpAll).unwrap_err();
    assert!(error.to_string().contains("it is not transactional, and is applied"), "{error}");
    let disproof = disproof(error);
    assert!(disproof.applied && disproof.diff == Diff::default());
    // Nothing more was run, and what was is recorded as it is.
    assert_eq!(history(&mut client), "0001_a,0002_i");
    assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations WHERE dirty"), "0");
    let log = "SELECT string_agg(outcome, ',' ORDER BY id) FROM schema_migrations_log WHERE version = '0002_i' AND action = 'up'";
    assert!(answer(&mut client, log).ends_with("ok,unproved"), "{}", answer(&mut client, log));
}

/// What a body does to its session must not change what is read of the schema, nor how its commit runs.
#[test]
fn the_settings_of_a_body_are_no_part_of_the_reading() {
    let settings = "SET search_path = pg_catalog; SET quote_all_identifiers = on; SET DateStyle = 'German'; \
                    SET IntervalStyle = 'sql_standard'; SET bytea_output = 'escape'; SET extra_float_digits = -15; \
                    SET statement_timeout = '50ms'; SET idle_in_transaction_session_timeout = '1ms'; \
                    SET transform_null_equals = on; SET standard_conforming_strings = off; SET TimeZone = 'Asia/Tokyo';";
    let body = "CREATE TABLE public.s (d date DEFAULT '2026-11-21', i interval DEFAULT '1 day 2 hours', \
                f float8 DEFAULT 0.1, b bytea DEFAULT '\\x00ff', t text DEFAULT 'a\\b', z timestamptz DEFAULT '2026-11-21 00:00+00', \
                CHECK (f > 0.1)); CREATE VIEW public.sv AS SELECT d, i FROM public.s WHERE d > '2026-01-02'";
    let plain = recorded(&[("0001_s", body, "DROP VIEW public.sv; DROP TABLE public.s")]);
    // Written the same, with its settings after it: the text that is compared is the catalog's.
    let odd = format!("{body}; {settings}");
    let mut odd =
        set(&[("0001_s", &odd, "DROP VIEW public.sv; DROP TABLE public.s")]).migrations.into_owned();
    odd[0].up.change = plain.migrations[0].up.change;
    let database = migrate_testing::scratch().unwrap();
    good(proving(&Set::new("migrations", odd), database.url()).run(Goal::UpAll));
    let mut client = database.connect().unwrap();
    assert_eq!(history(&mut client), "0001_s");
}

#[test]
fn the_lock_brings_the_changes_to_the_runner() {
    let set = recorded(&[A, B]);
    let folder = tempfile::tempdir().unwrap();
    for script in set.scripts() {
        std::fs::write(folder.path().join(&*script.file), script.text.as_bytes()).unwrap();
    }
    Lock::of(&set).write(folder.path()).unwrap();
    let options = migrate_core::folder::Options::new(folder.path());
    let read = migrate_core::folder::read(folder.path(), &options).unwrap();
    assert_eq!(read.migrations, set.migrations);
    let database = migrate_testing::scratch().unwrap();
    good(proving(&read, database.url()).run(Goal::UpAll));
    let changes: Vec<Checksum> = read.migrations.iter().filter_map(|migration| migration.up.change).collect();
    assert!(changes.len() == 2 && changes[0] != changes[1]);
}

/// What the proof costs on a database with 1,000 tables. Told, and held to an order of magnitude only: the machine may be
/// busy.
#[test]
fn the_cost_in_a_large_database() {
    migrate_tests::nightly!();
    let names: Vec<_> = (1..=20)
        .map(|n| (format!("{n:04}_t"), format!("CREATE TABLE t{n} (id int)"), format!("DROP TABLE t{n}")))
        .collect();
    let migrations: Vec<_> = names.iter().map(|(s, u, d)| (s.as_str(), u.as_str(), d.as_str())).collect();
    let set = recorded(&migrations);
    let mut took = Vec::new();
    for prove in [false, true] {
        let database = migrate_testing::scratch().unwrap();
        let many = "DO $$ BEGIN FOR n IN 1..1000 LOOP EXECUTE format('CREATE TABLE big_%s (id int PRIMARY KEY, a text, b text, \
                    c int, d numeric)', n); EXECUTE format('CREATE INDEX ON big_%s (a)', n); END LOOP; END $$";
        database.connect().unwrap().batch_execute(many).unwrap();
        let report = good(proving(&set, database.url()).prove(prove).run(Goal::UpAll));
        let mut each: Vec<_> = report.done.iter().map(|done| done.elapsed).collect();
        println!("prove = {prove}: {:?} in all, first {:?}", report.elapsed, each[0]);
        each.sort();
        took.push(each[each.len() / 2]);
        println!("prove = {prove}: median {:?} a migration", each[each.len() / 2]);
    }
    assert!(took[1] < std::time::Duration::from_secs(3), "{took:?}");
}
