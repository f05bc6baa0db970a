//! Schemas as `pg_dump` writes them, made comparable.

use std::path::Path;
use std::process::Command;

use migrate_testing::Binaries;

/// The schema of a database, without the lines that differ between two dumps of it. Tables in `exclude` (patterns of
/// pg_dump) are left out: the history is different after a rollback, and should be.
///
/// # Panics
///
/// Where pg_dump fails or is missing.
pub fn schema(url: &str, exclude: &[&str]) -> String {
    by(&Binaries::find(None).and_then(|binaries| binaries.program("pg_dump")).unwrap(), url, exclude)
}

/// The same by a given pg_dump, which need not be looked for again.
///
/// # Panics
///
/// Where it fails.
pub fn by(program: &Path, url: &str, exclude: &[&str]) -> String {
    let mut command = Command::new(program);
    command
        .args(["--schema-only", "--dbname", url])
        .args(exclude.iter().map(|table| format!("--exclude-table={table}")));
    let output = command.output().unwrap();
    assert!(output.status.success(), "pg_dump: {}", String::from_utf8_lossy(&output.stderr));
    normalised(&String::from_utf8(output.stdout).unwrap())
}

/// The major version of a pg_dump. It refuses newer servers.
///
/// # Panics
///
/// Where it cannot be run.
pub fn major(program: &Path) -> u32 {
    let output = Command::new(program).arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let version =
        text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit())).unwrap();
    version.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

/// Without the random words of `\restrict` and the comments that name versions.
fn normalised(dump: &str) -> String {
    let varies = |line: &str| {
        let starts = ["\\restrict ", "\\unrestrict ", "-- Dumped from ", "-- Dumped by "];
        starts.iter().any(|start| line.starts_with(start))
    };
    dump.split('\n').filter(|line| !varies(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_dumps_of_one_database_are_equal_and_one_of_a_changed_one_is_not() {
        let database = migrate_testing::scratch().unwrap();
        let mut client = database.connect().unwrap();
        client.batch_execute("CREATE TABLE a (x int); CREATE TABLE schema_migrations (v text)").unwrap();
        let first = schema(database.url(), &["schema_migrations"]);
        assert!(first.contains("CREATE TABLE public.a") && !first.contains("schema_migrations"), "{first}");
        assert_eq!(schema(database.url(), &["schema_migrations"]), first);
        client.batch_execute("ALTER TABLE a ADD y int").unwrap();
        assert_ne!(schema(database.url(), &["schema_migrations"]), first);
    }

    #[test]
    fn lines_that_vary_are_dropped() {
        let dump =
            "\\restrict abc\n-- Dumped from database version 15\nCREATE TABLE t ();\n\\unrestrict abc\n";
        assert_eq!(normalised(dump), "CREATE TABLE t ();\n");
    }
}
