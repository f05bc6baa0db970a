//! `verify` on projects with every mistake: each is found, all in one run, and told with its file, its line and the
//! difference.

use migrate_tests::TestEnvironment;
use serde_json::Value;

/// A project with one mistake a migration, and sound ones between them.
fn with_every_mistake() -> TestEnvironment {
    let environment = TestEnvironment::new();
    let oid = "(SELECT oid FROM pg_database WHERE datname = current_database())";
    environment
        .migration("0001_users", "CREATE TABLE users (id int PRIMARY KEY, name text);", "DROP TABLE users;")
        .migration("0002_in_a_group", "CREATE INDEX users_name ON users (name);", "SELECT 1;")
        .migration("0003_down_fails", "CREATE TABLE t3 (id int);", "SELECT 1;\nDROP TABLE tee3;")
        .migration(
            "0004_leaves",
            "CREATE TABLE IF NOT EXISTS t4 (a int);\nCREATE TABLE t4b (a int);",
            "\n-- the other one is forgotten\nDROP TABLE t4b;",
        )
        .migration(
            "0005_reorders",
            "ALTER TABLE users DROP COLUMN id;",
            "ALTER TABLE users ADD COLUMN id int PRIMARY KEY;",
        )
        .migration(
            "0006_by_chance",
            &format!("DO $$ BEGIN EXECUTE format('CREATE TABLE r_%s ()', {oid}); END $$;"),
            &format!("DO $$ BEGIN EXECUTE format('DROP TABLE r_%s', {oid}); END $$;"),
        )
        .migration(
            "0007_not_again",
            "CREATE TYPE state AS ENUM ('a');\nCREATE TABLE t7 (a state);",
            "DROP TABLE t7;",
        )
        .migration(
            "0008_adds_up",
            "CREATE SEQUENCE IF NOT EXISTS s8;\n\
             DO $$ BEGIN EXECUTE format('ALTER SEQUENCE s8 INCREMENT %s', \
             1 + (SELECT count(*) FROM pg_views WHERE viewname = 'v8')); END $$;",
            "ALTER SEQUENCE s8 INCREMENT 1;\nCREATE VIEW v8 AS SELECT 1 AS a;",
        )
        .migration(
            "0009_concurrently",
            "CREATE INDEX CONCURRENTLY users_name_2 ON users (name);",
            "DROP INDEX CONCURRENTLY users_name_2;",
        );
    environment.write("migrations/0010_one_way.up.sql", "-- migrate: irreversible gone\nDELETE FROM users;");
    environment.migration("0011_sound", "CREATE TABLE t11 (a int);", "DROP TABLE t11;");
    environment.run(&["lock"]).success();
    environment
}

fn json(environment: &TestEnvironment, arguments: &[&str], code: i32) -> Value {
    let arguments = [&["verify", "--format", "json"], arguments].concat();
    let output = environment.run(&arguments);
    serde_json::from_str(&output.expect(code).stdout).unwrap()
}

/// `0003_down_fails: down_fails`, for each finding of the first server.
fn kinds(document: &Value) -> Vec<String> {
    let report = &document["result"]["reports"][0];
    let of_steps = report["migrations"].as_array().unwrap().iter().flat_map(|migration| {
        let stem = migration["migration"].as_str().unwrap();
        let findings = migration["findings"].as_array().unwrap();
        findings.iter().map(move |finding| format!("{stem}: {}", finding["kind"].as_str().unwrap()))
    });
    let chain = report["chain"].as_array().unwrap().iter();
    of_steps.chain(chain.map(|finding| format!("chain: {}", finding["kind"].as_str().unwrap()))).collect()
}

#[test]
fn one_run_finds_everything() {
    let environment = with_every_mistake();
    let document = json(&environment, &[], 8);
    assert_eq!(
        kinds(&document),
        [
            "0002_in_a_group: undoes_in_a_group",
            "0002_in_a_group: up_again_fails",
            "0003_down_fails: down_fails",
            "0004_leaves: differs_after_down",
            "0005_reorders: order_only",
            "0006_by_chance: not_deterministic",
            "0007_not_again: differs_after_down",
            "0007_not_again: up_again_fails",
            "0008_adds_up: differs_after_down",
            "0008_adds_up: differs_after_up_again",
        ]
    );
}

#[test]
fn it_is_told_with_file_line_and_difference() {
    let mut environment = with_every_mistake();
    environment.set_var("COLUMNS", "200");
    let output = environment.run(&["verify", "--color", "never"]);
    let shown = output.expect(8).snapshot(&environment.redactor());
    // The width of a column of times depends on them.
    let table = [
        (r"r_\d+", "r_[oid]"),
        (r"PostgreSQL \d+\.\d+", "PostgreSQL [version]"),
        (" *<?(\\[duration\\]) *", " $1 "),
        ("  +(up|down|strongest)", "  $1"),
    ];
    let shown = table.iter().fold(shown, |shown, (pattern, with)| {
        regex::Regex::new(pattern).unwrap().replace_all(&shown, *with).into_owned()
    });
    insta::assert_snapshot!(shown);
}

#[test]
fn what_is_sound_passes() {
    let environment = TestEnvironment::new();
    environment
        .migration("0001_a", "CREATE TABLE a (id int);", "DROP TABLE a;")
        .migration("0002_b", "ALTER TABLE a ADD COLUMN b text;", "ALTER TABLE a DROP COLUMN b;")
        .migration("0003_c", "CREATE INDEX CONCURRENTLY a_b ON a (b);", "DROP INDEX CONCURRENTLY a_b;");
    environment.run(&["lock"]).success();
    let document = json(&environment, &[], 0);
    assert_eq!(kinds(&document), [""; 0]);
    assert_eq!(document["result"]["passed"], true);
    let second = &document["result"]["reports"][0]["migrations"][1];
    assert_eq!(second["up_change"], "  table public.a\n+     column b text\n");
    assert_eq!(second["down_change"], "  table public.a\n-     column b text\n");
    assert_eq!(second["up"]["statements"][0]["line"], 1);
}

#[test]
fn after_an_up_that_fails_nothing_can_be_said() {
    let environment = TestEnvironment::new();
    environment
        .migration("0001_a", "CREATE TABLE a (id int);", "DROP TABLE a;")
        .migration(
            "0002_b",
            "CREATE TABLE b (id int);\nALTER TABLE nowhere ADD COLUMN b text;",
            "DROP TABLE b;",
        )
        .migration("0003_c", "CREATE TABLE c ();", "DROP TABLE c;");
    let document = json(&environment, &[], 8);
    assert_eq!(kinds(&document), ["0002_b: up_fails"]);
    let report = &document["result"]["reports"][0];
    assert_eq!(report["skipped"], serde_json::json!(["0003_c"]));
    assert_eq!(report["migrations"][1]["findings"][0]["failure"]["line"], 2);
}

#[test]
fn a_group_can_be_allowed() {
    let environment = TestEnvironment::new();
    environment
        .migration("0001_a", "CREATE TABLE a (id int);", "DROP TABLE a;")
        .migration("0002_b", "ALTER TABLE a ADD COLUMN IF NOT EXISTS b int;", "SELECT 'nothing';")
        .migration("0003_c", "CREATE TABLE c ();", "DROP TABLE c;");
    let document = json(&environment, &["--allow-groups"], 0);
    assert_eq!(kinds(&document), ["0002_b: undoes_in_a_group"]);
    let finding = &document["result"]["reports"][0]["migrations"][1]["findings"][0];
    assert_eq!(finding["group"], serde_json::json!(["0001_a", "0002_b"]));
    json(&environment, &[], 8);
}

/// A function that a down lays out in another way than the migration that made it.
#[test]
fn white_space_in_a_function_is_a_remark() {
    let environment = TestEnvironment::new();
    let function =
        |body: &str| format!("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ {body} $$;");
    let (one, two) = (function("BEGIN\n  RETURN 1;\nEND"), function("BEGIN RETURN 2; END"));
    // It stays, so that the chain of all downs ends with the white space too.
    environment.write("migrations/0001_a.up.sql", format!("-- migrate: irreversible it stays\n{one}"));
    environment.migration("0002_b", &two, &function("BEGIN RETURN 1; END")).migration(
        "0003_c",
        &one,
        &function("BEGIN RETURN 3; END"),
    );
    let document = json(&environment, &[], 8);
    assert_eq!(kinds(&document), ["0002_b: white_space_only", "0003_c: undoes_in_a_group"]);
    let fails = |number: usize| {
        document["result"]["reports"][0]["migrations"][number]["findings"][0]["fails"].clone()
    };
    assert_eq!((fails(1), fails(2)), (false.into(), true.into()));
}

/// By the number of its database a name is another one in each, and the same each time it is made in one.
#[test]
fn what_differs_by_database_is_found_at_the_migration_that_makes_it() {
    let environment = TestEnvironment::new();
    let plain = |name: &str| (format!("CREATE TABLE {name} (a int);"), format!("DROP TABLE {name};"));
    for number in (1..=20).filter(|number| *number != 7) {
        let (up, down) = plain(&format!("t{number}"));
        environment.migration(&format!("{number:04}_a"), &up, &down);
    }
    // No code in the migration itself: the trigger of an earlier one does it.
    environment.migration(
        "0003_a",
        "CREATE TABLE t3 (a int);\n\
         CREATE FUNCTION by_database() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n\
         EXECUTE format('CREATE TABLE r_%s ()', (SELECT oid FROM pg_database WHERE datname = current_database()));\n\
         RETURN NULL; END $$;\n\
         CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n\
         EXECUTE format('DROP TABLE r_%s', (SELECT oid FROM pg_database WHERE datname = current_database()));\n\
         RETURN NULL; END $$;\n\
         CREATE TRIGGER by_database AFTER INSERT ON t3 EXECUTE FUNCTION by_database();\n\
         CREATE TRIGGER away AFTER DELETE ON t3 EXECUTE FUNCTION away();",
        "DROP TABLE t3; DROP FUNCTION by_database(); DROP FUNCTION away();",
    );
    environment.migration("0007_by_database", "INSERT INTO t3 VALUES (1);", "DELETE FROM t3;");
    for jobs in ["1", "2"] {
        assert_eq!(
            kinds(&json(&environment, &["--jobs", jobs], 8)),
            ["0007_by_database: not_deterministic"],
            "{jobs} jobs"
        );
    }
}

/// A concurrent build that fails leaves an invalid index; what comes after it must not be judged by that.
#[test]
fn what_fails_outside_a_transaction_disturbs_nobody() {
    let environment = TestEnvironment::new();
    environment
        .migration("0001_a", "CREATE TABLE a (id int); INSERT INTO a VALUES (1);", "DROP TABLE a;")
        .migration(
            "0002_b",
            "CREATE INDEX CONCURRENTLY a_id ON a (id);",
            "DROP INDEX CONCURRENTLY a_id;\nDROP INDEX CONCURRENTLY a_id;",
        )
        .migration("0003_c", "CREATE TABLE c ();", "DROP TABLE c;");
    assert_eq!(kinds(&json(&environment, &[], 8)), ["0002_b: down_fails"]);
}

/// A down may take data with it that a later up counts on. That is no fault of the later one.
#[test]
fn data_that_a_down_took_is_there_for_the_next() {
    let environment = TestEnvironment::new();
    environment
        .migration("0001_a", "CREATE TABLE a (id int);", "DROP TABLE a;")
        .migration("0002_seed", "INSERT INTO a VALUES (1);", "DELETE FROM a;")
        .migration(
            "0003_moved",
            "ALTER TABLE a ADD b int; UPDATE a SET b = 1;",
            "ALTER TABLE a DROP b; DELETE FROM a;",
        )
        .migration(
            "0004_needs_it",
            "DO $$ BEGIN IF NOT EXISTS (SELECT FROM a) THEN RAISE 'no row'; END IF; END $$;",
            "SELECT 1;",
        );
    assert_eq!(kinds(&json(&environment, &[], 0)), [""; 0]);
}

#[test]
fn several_jobs_say_what_one_says() {
    let environment = TestEnvironment::new();
    for number in 1..=40 {
        let (up, down) = match number % 10 {
            3 => ("CREATE TYPE {} AS ENUM ('a');", "SELECT 1;"),
            7 => ("CREATE TABLE {} (a int);", "DROP TABLE nowhere;"),
            _ => ("CREATE TABLE {} (a int);", "DROP TABLE {};"),
        };
        let name = format!("t{number}");
        environment.migration(
            &format!("{number:04}_a"),
            &up.replace("{}", &name),
            &down.replace("{}", &name),
        );
    }
    let [one, three] = ["1", "3"].map(|jobs| {
        let document = json(&environment, &["--jobs", jobs], 8);
        let report = &document["result"]["reports"][0];
        let changes = report["migrations"].as_array().unwrap().iter();
        let changes: Vec<_> =
            changes.map(|one| (one["up_change"].clone(), one["findings"].clone())).collect();
        (kinds(&document), changes)
    });
    assert_eq!(one.0.len(), 12);
    assert_eq!(one, three);
}

#[test]
fn a_folder_or_a_lock_that_is_not_in_order_is_a_finding() {
    let environment = TestEnvironment::new();
    environment.migration("0001_a", "CREATE TABLE a (id int);", "DROP TABLE a;");
    environment.run(&["lock"]).success();
    environment.migration("0001_a", "CREATE TABLE a (id bigint);", "DROP TABLE a;");
    let output = environment.run(&["verify", "--locked"]);
    assert!(output.expect(8).stdout.contains("0001_a.up.sql was edited"), "{}", output.stdout);
    let output = environment.run(&["verify"]);
    assert!(output.success().stdout.starts_with("remark: "), "{}", output.stdout);

    environment.write("migrations/0002_b.up.sql", "CREATE TABLE b ();");
    environment.write("migrations/notes.sql", "");
    let output = environment.run(&["verify"]);
    assert!(output.expect(8).stdout.contains("2 problems in "), "{}", output.stdout);
    assert!(output.stdout.contains("nothing was run"), "{}", output.stdout);
}
