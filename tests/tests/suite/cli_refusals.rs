//! What a person sees of T19, T22, T23, T36, T37 and T41: the exit code, and a hint that is one.

use migrate_tests::wait::answer;
use migrate_tests::{Output, TestEnvironment};

/// Two applied migrations, a third one pending.
fn project() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.migration("0001_a", "CREATE TABLE a (id int);\n", "DROP TABLE a;\n");
    environment.migration("0002_b", "CREATE TABLE b (id int);\n", "DROP TABLE b;\n");
    environment.run(&["up"]).success();
    environment.migration("0003_c", "CREATE TABLE c (id int);\n", "DROP TABLE c;\n");
    environment
}

fn has_hint(output: &Output) -> &Output {
    assert!(
        output.stderr.contains("hint: ") || output.stderr.contains("help: "),
        "no hint:\n{}",
        output.stderr
    );
    output
}

#[test]
fn a_tampered_history_is_exit_9() {
    let tamperings = [
        "UPDATE schema_migrations SET checksum = 'x' WHERE version = '0001_a'",
        "UPDATE schema_migrations SET checksum = repeat('0', 64) WHERE version = '0001_a'",
        "UPDATE schema_migrations SET version = 'nonsense' WHERE version = '0001_a'",
        "DELETE FROM schema_migrations WHERE version = '0001_a'",
        "ALTER TABLE schema_migrations DROP COLUMN dirty",
        "ALTER TABLE schema_migrations DROP CONSTRAINT schema_migrations_pkey",
    ];
    for tampering in tamperings {
        let environment = project();
        let mut client = environment.client();
        client.batch_execute(tampering).unwrap();
        let state = "SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM schema_migrations t";
        let before = answer(&mut client, state);
        for arguments in [&["up"][..], &["up", "--dry-run"], &["up", "--steps", "1"]] {
            has_hint(environment.run(arguments).expect(9));
        }
        // A plan, and no change without --yes.
        let plan = environment.run(&["repair"]);
        assert!([0, 9].contains(&plan.code), "{tampering}: {}", plan.stderr);
        assert_eq!(answer(&mut client, state), before, "{tampering}");
        assert_eq!(answer(&mut client, "SELECT to_regclass('c')"), "NULL", "{tampering}");
    }
}

#[test]
fn repair_changes_the_history_only_when_told() {
    let environment = project();
    environment.write("migrations/0001_a.up.sql", "CREATE TABLE a (id int); -- now with a comment\n");
    let refused = environment.run(&["up"]);
    has_hint(refused.expect(9));
    assert!(refused.stderr.contains("0001_a"), "{}", refused.stderr);
    assert!(environment.run(&["repair"]).success().stdout.contains("0001_a"));
    environment.run(&["up"]).expect(9);
    environment.run(&["repair", "--yes"]).success();
    environment.run(&["up"]).success();
    environment.run(&["status", "--check"]).success();
    let texts = "SELECT count(*) FROM schema_migrations_log WHERE action = 'repair'";
    assert_eq!(answer(&mut environment.client(), texts), "1");
}

type Edit = fn(&TestEnvironment);

/// Edited, renamed, deleted, out of order: each is exit 9, names the migration, and runs nothing.
#[test]
fn files_that_do_not_fit_are_exit_9() {
    let edits: [(&str, Edit); 4] = [
        ("0001_a", |environment| {
            environment.write("migrations/0001_a.up.sql", "CREATE TABLE a (id bigint);\n");
        }),
        ("0002_b", |environment| {
            environment.remove("migrations/0002_b.up.sql");
            environment.remove("migrations/0002_b.down.sql");
        }),
        ("0002_x", |environment| {
            environment.remove("migrations/0002_b.up.sql");
            environment.remove("migrations/0002_b.down.sql");
            environment.migration("0002_x", "CREATE TABLE b (id int);\n", "DROP TABLE b;\n");
        }),
        ("0000_early", |environment| {
            environment.migration("0000_early", "SELECT 1;\n", "SELECT 1;\n");
        }),
    ];
    for (name, edit) in edits {
        let environment = project();
        edit(&environment);
        let output = environment.run(&["up"]);
        has_hint(output.expect(9));
        assert!(output.stderr.contains(name), "{name}: {}", output.stderr);
        environment.run(&["status", "--check"]).expect(8);
        assert_eq!(answer(&mut environment.client(), "SELECT to_regclass('c')"), "NULL");
    }
    let environment = project();
    environment.migration("0000_early", "CREATE TABLE early ();\n", "DROP TABLE early;\n");
    environment.run(&["up", "--allow-out-of-order"]).success();
    assert_eq!(answer(&mut environment.client(), "SELECT to_regclass('early')"), "early");
}

/// Two files with one number: both paths, and exit 5, before the database is asked anything.
#[test]
fn a_number_that_is_there_twice_is_exit_5() {
    for double in ["1_again", "01_again", "0001_again"] {
        let environment = project();
        environment.migration(double, "SELECT 1;\n", "SELECT 1;\n");
        for arguments in [&["up"][..], &["up", "--dry-run"], &["status"], &["lock"]] {
            let output = environment.run(arguments);
            has_hint(output.expect(5));
            for path in ["0001_a.up.sql", &format!("{double}.up.sql")] {
                assert!(output.stderr.contains(path), "{double}: {path} is not in:\n{}", output.stderr);
            }
        }
        assert_eq!(answer(&mut environment.client(), "SELECT to_regclass('c')"), "NULL");
    }
}

/// T23: a role that may not is exit 6 for the history, 2 for a body.
#[test]
fn a_missing_privilege_is_told_with_its_grant() {
    let mut environment = project();
    let mut client = environment.client();
    let role = format!("app_{}", environment.database().name());
    client.batch_execute(&format!("CREATE ROLE {role} LOGIN")).unwrap();
    environment
        .set_var("DATABASE_URL", environment.database().url().replace("//postgres@", &format!("//{role}@")));
    let output = environment.run(&["up"]);
    assert!(has_hint(output.expect(6)).stderr.contains("GRANT SELECT"), "{}", output.stderr);
    client.batch_execute(&format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")).unwrap();
    // Since version 15 nobody may create in the schema public.
    client.batch_execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC").unwrap();
    let output = environment.run(&["up"]);
    assert!(
        has_hint(output.expect(2)).stderr.contains("GRANT USAGE, CREATE ON SCHEMA public"),
        "{}",
        output.stderr
    );
    client.batch_execute(&format!("GRANT CREATE ON SCHEMA public TO {role}")).unwrap();
    environment.run(&["up"]).success();
    client.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).unwrap();
}

/// T22 and T41: read-only is exit 6 before any lock; what reads works and changes nothing.
#[test]
fn a_read_only_database_is_exit_6() {
    let environment = project();
    let mut client = environment.client();
    let name = environment.database().name().to_owned();
    client.batch_execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).unwrap();
    for arguments in [&["up"][..], &["down"], &["redo"]] {
        let output = environment.run(arguments);
        let said = &has_hint(output.expect(6)).stderr;
        assert!(said.contains("read-only") && !said.contains("primary"), "it is one: {said}");
    }
    environment.run(&["status"]).success();
    environment.run(&["status", "--check"]).expect(8);
    assert!(environment.run(&["up", "--dry-run"]).success().stdout.contains("CREATE TABLE c"));
    environment.run(&["history"]).success();
    environment.run(&["repair"]).success();
}

/// Down: nothing to go back with is a gate (1), a changed down is asked about (1), a failing one is 4.
#[test]
fn what_cannot_be_rolled_back_says_so() {
    let environment = project();
    environment.write("migrations/0002_b.down.sql", "SELECT 1/0;\n");
    has_hint(environment.run(&["down"]).expect(1));
    let failed = environment.run(&["down", "--use-file-down"]);
    has_hint(failed.expect(4));
    assert!(failed.stderr.contains("division by zero"), "{}", failed.stderr);
    environment.run(&["down", "--use-recorded-down"]).success();
    assert_eq!(answer(&mut environment.client(), "SELECT to_regclass('b')"), "NULL");
    let environment = TestEnvironment::new();
    environment.write(
        "migrations/0001_one_way.up.sql",
        "-- migrate: irreversible no way back\nCREATE TABLE a ();\n",
    );
    environment.run(&["up"]).success();
    let refused = environment.run(&["down"]);
    assert!(has_hint(refused.expect(1)).stderr.contains("no way back"), "{}", refused.stderr);
}
