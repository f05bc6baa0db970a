//! T40: a history that an older version made, and one of a version to come.

use migrate_runtime::core::Goal;
use migrate_runtime::{Error, LogFilter};
use migrate_tests::TestEnvironment;
use migrate_tests::migrations::{good, migrator};
use migrate_tests::wait::answer;

const A: (&str, &str, &str) = ("0001_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
const B: (&str, &str, &str) = ("0002_b", "CREATE TABLE b ();\n", "DROP TABLE b;\n");

const COLUMNS: &str = "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute \
                       WHERE attrelid = 'schema_migrations_log'::regclass AND attnum > 0 AND NOT attisdropped";

/// A project whose first migration was applied by a version that recorded less of it.
fn made_by_an_older_one() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.migration(A.0, A.1, A.2);
    environment.run(&["up"]).success();
    let less = "ALTER TABLE schema_migrations_log DROP COLUMN run, DROP COLUMN reason, DROP COLUMN backend, \
                DROP COLUMN db_user, DROP COLUMN statements";
    environment.client().batch_execute(less).unwrap();
    environment
}

#[test]
fn an_older_log_is_read_as_it_is_and_made_newer_by_the_first_that_writes() {
    let environment = made_by_an_older_one();
    let mut client = environment.client();
    let before = answer(&mut client, COLUMNS);
    assert!(!before.contains("run") && !before.contains("db_user"), "{before}");
    for verb in [
        &["status"][..],
        &["history"],
        &["status", "--verbose"],
        &["up", "--dry-run"],
        &["drift"],
        &["health"],
    ] {
        let output = environment.run(verb);
        assert!([0, 1].contains(&output.code), "{verb:?}: {}", output.stderr);
        assert!(!output.stderr.contains("does not exist"), "{verb:?}: {}", output.stderr);
    }
    assert!(environment.run(&["history"]).success().stdout.contains("0001_a"));
    assert_eq!(answer(&mut client, COLUMNS), before, "who reads writes nothing");
    environment.migration(B.0, B.1, B.2);
    environment.run(&["up"]).success();
    let after = answer(&mut client, COLUMNS);
    for column in ["run", "reason", "backend", "db_user", "statements"] {
        assert!(after.split(' ').any(|one| one == column), "{column}: {after}");
    }
    // All of it in one transaction, and what was recorded is kept.
    let one = "SELECT count(DISTINCT xmin::text) FROM pg_attribute WHERE attrelid = 'schema_migrations_log'::regclass \
               AND attname IN ('run', 'reason', 'backend', 'db_user', 'statements')";
    assert_eq!(answer(&mut client, one), "1");
    let lines = "SELECT string_agg(version, ' ' ORDER BY id) FROM schema_migrations_log WHERE action = 'up' AND outcome = 'ok'";
    assert_eq!(answer(&mut client, lines), "0001_a 0002_b");
    environment.run(&["down", "--all", "--yes"]).success();
    assert_eq!(answer(&mut client, "SELECT coalesce(to_regclass('a'), to_regclass('b'))"), "NULL");
}

/// The whole of it or nothing: a column that cannot be added leaves none behind, and no migration runs.
#[test]
fn what_cannot_be_made_newer_stays_as_it_is() {
    let environment = made_by_an_older_one();
    let mut client = environment.client();
    let before = answer(&mut client, COLUMNS);
    environment.migration(B.0, B.1, B.2);
    let refuse = "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not here'; END $$; \
                  CREATE EVENT TRIGGER refuse ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION refuse()";
    client.batch_execute(refuse).unwrap();
    let output = environment.run(&["up"]);
    assert!(output.expect(6).stderr.contains("not here (SQLSTATE P0001)"), "{}", output.stderr);
    assert_eq!(answer(&mut client, COLUMNS), before);
    assert_eq!(answer(&mut client, "SELECT to_regclass('b')"), "NULL");
    client.batch_execute("DROP EVENT TRIGGER refuse").unwrap();
    environment.run(&["up"]).success();
}

#[test]
fn a_newer_log_is_refused_by_an_older_tool_and_read() {
    let environment = TestEnvironment::new();
    environment.migration(A.0, A.1, A.2);
    environment.run(&["up"]).success();
    let mut client = environment.client();
    // What a version to come adds has a default, or it is not for us to write into.
    client
        .batch_execute(
            "ALTER TABLE schema_migrations ADD COLUMN squashed_by text; \
             ALTER TABLE schema_migrations_log ADD COLUMN trace_id text, ADD COLUMN layout int NOT NULL DEFAULT 2",
        )
        .unwrap();
    environment.migration(B.0, B.1, B.2);
    environment.run(&["up"]).success();
    assert!(answer(&mut client, COLUMNS).ends_with("trace_id layout"));

    client.batch_execute("ALTER TABLE schema_migrations_log ALTER COLUMN layout DROP DEFAULT").unwrap();
    let state = "SELECT (SELECT count(*) FROM schema_migrations) || ' ' || (SELECT count(*) FROM schema_migrations_log)";
    let before = answer(&mut client, state);
    // Nothing is to be done: nothing is written, and an application starts.
    environment.run(&["up"]).success();
    environment.run(&["status"]).success();
    assert!(environment.run(&["history"]).success().stdout.contains("0002_b"));
    environment.migration("0003_c", "CREATE TABLE c ();\n", "DROP TABLE c;\n");
    for verb in [&["up"][..], &["down", "--yes"]] {
        let output = environment.run(verb);
        for words in ["made by a newer cargo migrate", "`layout`", "update cargo-migrate"] {
            assert!(output.expect(9).stderr.contains(words), "{verb:?}: {words}: {}", output.stderr);
        }
    }
    let json = environment.run(&["up", "--format", "json"]);
    assert!(
        json.expect(9).stdout.contains("newer_log") || json.stderr.contains("newer_log"),
        "{}",
        json.stderr
    );
    assert_eq!(answer(&mut client, state), before);
    assert_eq!(answer(&mut client, "SELECT to_regclass('c')"), "NULL");
}

/// The same for an application that embeds an older version.
#[test]
fn an_application_that_is_older_than_the_log_says_so() {
    let database = migrate_testing::scratch().unwrap();
    good(migrator(database.url(), &[A]).run(Goal::UpAll));
    let mut client = database.connect().unwrap();
    client
        .batch_execute("ALTER TABLE schema_migrations_log ADD COLUMN layout int NOT NULL DEFAULT 2")
        .unwrap();
    client.batch_execute("ALTER TABLE schema_migrations_log ALTER COLUMN layout DROP DEFAULT").unwrap();
    good(migrator(database.url(), &[A]).run(Goal::UpAll));
    let runner = migrator(database.url(), &[A, B]);
    let error = runner.run(Goal::UpAll).unwrap_err();
    assert!(matches!(&error, Error::NewerLog { column, .. } if column == "layout"), "{error:?}");
    assert_eq!(good(runner.log_of(&LogFilter::default(), None)).len(), 1);
    assert_eq!(answer(&mut client, "SELECT to_regclass('b')"), "NULL");
    // Another tool's table of that name is not taken for a log.
    client
        .batch_execute("DROP TABLE schema_migrations_log; CREATE TABLE schema_migrations_log (id int)")
        .unwrap();
    let error = runner.run(Goal::UpAll).unwrap_err();
    assert!(
        matches!(&error, Error::ForeignTable { table, .. } if table == "public.schema_migrations_log"),
        "{error:?}"
    );
}
