//! A history in a schema of its own, which the runner makes: that schema is no difference, wherever what migrations make is
//! held against a database where they ran.

use migrate_tests::TestEnvironment;

const HISTORY: &str = "\n[package.metadata.migrate]\nhistory-table = \"Ops.schema_migrations\"\n";

/// A project with its history in a schema that no migration makes, and one migration.
fn project(up: &str, down: &str) -> TestEnvironment {
    let environment = TestEnvironment::new();
    let manifest = environment.read("Cargo.toml");
    environment.write("Cargo.toml", format!("{manifest}{HISTORY}"));
    environment.migration("0001_a", up, down);
    environment.run(&["lock"]).success();
    environment
}

fn plain() -> TestEnvironment {
    project("CREATE TABLE a (id int);\n", "DROP TABLE a;\n")
}

#[test]
fn verify_passes_and_records_nothing_of_it() {
    let environment = plain();
    environment.run(&["verify", "--record"]).success();
    let snapshot = environment.read("migrations/schema.sql.snap");
    assert!(snapshot.contains("table public.a") && !snapshot.contains("Ops"), "{snapshot}");
    environment.run(&["up", "--prove"]).success();
    environment.run(&["schema", "validate"]).success();
    environment.run(&["verify", "--record"]).success();
    assert_eq!(environment.read("migrations/schema.sql.snap"), snapshot);
}

#[test]
fn drift_and_diff_say_nothing_of_it() {
    let environment = plain();
    environment.run(&["up"]).success();
    environment.run(&["drift"]).success();
    for pair in [["database", "migrations"], ["migrations", "database"]] {
        environment.run(&["schema", "diff", pair[0], pair[1]]).success();
    }
    // Another schema that nobody made by a migration is still told, and so is this one between two databases.
    environment.client().batch_execute("CREATE SCHEMA other").unwrap();
    let found = environment.run(&["drift"]);
    assert!(found.expect(8).stdout.contains("other"), "{}", found.stdout);
    assert!(!found.stdout.contains("Ops"), "{}", found.stdout);
    let empty = migrate_testing::scratch().unwrap();
    let differs = environment.run(&["schema", "diff", empty.url(), "database"]);
    assert!(differs.expect(8).stdout.contains("+ schema \"Ops\""), "{}", differs.stdout);
}

#[test]
fn a_migration_that_makes_it_too_is_proved_and_undone() {
    let up = "CREATE SCHEMA IF NOT EXISTS \"Ops\";\nCREATE TABLE \"Ops\".jobs (id int);\n";
    let environment = project(up, "DROP TABLE \"Ops\".jobs;\n");
    // The schema stays behind when it is rolled back, which `verify` tells: the history is in it.
    environment.run(&["verify"]).expect(8);
    environment.write("migrations/0001_a.down.sql", "DROP TABLE \"Ops\".jobs;\nDROP SCHEMA \"Ops\";\n");
    environment.write("migrations/0001_a.up.sql", up);
    environment.run(&["lock"]).success();
    let found = environment.run(&["verify"]);
    assert!(found.expect(8).stdout.contains("Ops"), "{}", found.stdout);
    environment
        .write("migrations/0001_a.up.sql", format!("-- migrate: irreversible it holds the history\n{up}"));
    environment.remove("migrations/0001_a.down.sql");
    environment.run(&["lock"]).success();
    environment.run(&["verify", "--record"]).success();
    assert!(environment.read("migrations/schema.sql.snap").contains("schema \"Ops\""));
    environment.run(&["up", "--prove"]).success();
    environment.run(&["drift"]).success();
    environment.run(&["schema", "validate"]).success();
}
