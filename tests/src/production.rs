//! A project whose environment is protected, as a production's is.

use migrate_testing::Binaries;

use crate::wait::answer;
use crate::{Output, TestEnvironment};

/// Two migrations of one table each.
pub const TWO: [(&str, &str, &str); 2] = [
    (
        "0001_create_a",
        "CREATE TABLE a (id int PRIMARY KEY);\nINSERT INTO a VALUES (1), (2);\n",
        "DROP TABLE a;\n",
    ),
    ("0002_create_b", "CREATE TABLE b (id int PRIMARY KEY);\n", "DROP TABLE b;\n"),
];

/// Whether this machine has what backups are made with.
pub fn has_pg_dump() -> bool {
    Binaries::find(None).is_ok_and(|binaries| binaries.program("pg_dump").is_ok())
}

/// A project whose environment is protected, with these migrations, locked.
///
/// # Panics
///
/// Where it cannot be made.
#[track_caller]
pub fn protected(migrations: &[(&str, &str, &str)], settings: &str) -> TestEnvironment {
    project(migrations, &format!("protected = true\n{settings}"))
}

/// A project with these settings and migrations, locked.
///
/// # Panics
///
/// Where it cannot be made.
#[track_caller]
pub fn project(migrations: &[(&str, &str, &str)], settings: &str) -> TestEnvironment {
    let environment = TestEnvironment::new();
    let manifest = environment.read("Cargo.toml") + "[package.metadata.migrate]\n" + settings;
    environment.write("Cargo.toml", manifest);
    for (stem, up, down) in migrations {
        environment.migration(stem, up, down);
    }
    lock(&environment);
    environment
}

/// Writes `migrations.lock`, as a developer does.
///
/// # Panics
///
/// Where that fails.
#[track_caller]
pub fn lock(environment: &TestEnvironment) {
    environment.run(&["lock"]).success();
}

/// What the history has, and how often each of the tables is there.
pub fn tables(environment: &TestEnvironment) -> String {
    let sql = "SELECT coalesce(string_agg(tablename, ' ' ORDER BY tablename), '') FROM pg_tables \
               WHERE schemaname = 'public'";
    answer(&mut environment.client(), sql)
}

/// The versions that the history has, in order.
pub fn applied(environment: &TestEnvironment) -> String {
    let sql = "SELECT coalesce(string_agg(version, ' ' ORDER BY version), '') FROM schema_migrations";
    answer(&mut environment.client(), sql)
}

/// The outcomes of an action's lines in the audit log, in order.
pub fn outcomes(environment: &TestEnvironment, action: &str) -> String {
    let sql = format!(
        "SELECT coalesce(string_agg(outcome, ', ' ORDER BY id), '') FROM schema_migrations_log WHERE action = '{action}'"
    );
    answer(&mut environment.client(), &sql)
}

/// The names of the backups, oldest first, and of whatever else is in their folder.
pub fn backups(environment: &TestEnvironment) -> Vec<String> {
    let entries = std::fs::read_dir(environment.path(".migrate/backups")).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name != "latest");
    names.sort();
    names
}

/// A refusal that changed nothing: exit 1, and no table.
///
/// # Panics
///
/// Where it is something else.
#[track_caller]
pub fn refused(environment: &TestEnvironment, output: &Output, words: &[&str]) {
    output.expect(1);
    for word in words {
        assert!(output.stderr.contains(word), "`{word}` is missing:\n{}", output.stderr);
    }
    assert_eq!(tables(environment), "", "a refusal changes nothing");
}
