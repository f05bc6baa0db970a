//! The schema that migrations make as an insta snapshot in their folder: `assert_schema!`.

use std::path::Path;
use std::process::{Command, Stdio};

use migrate_runtime::core::folder::{self, Options};
use migrate_runtime::core::{Schema, schema};
use migrate_tests::binaries::workspace;

mod example {
    migrate_runtime::embed!(pub mod embedded = "../migrations");
}

/// The one line of a project's own test; here for the example migrations.
#[test]
fn the_example_makes_the_recorded_schema() {
    migrate_testing::assert_schema!(example::embedded);
}

#[test]
fn what_is_recorded_is_in_the_application() {
    let recorded = example::embedded::SCHEMA.expect("migrations/schema.sql.snap is there");
    let made = migrate_testing::schema_of(&example::embedded::MIGRATIONS).unwrap();
    assert_eq!(Schema::parse(recorded).unwrap().text(), made);
}

/// A set in the folder that the variable names, as `embed!` would have it.
mod changed {
    use std::sync::LazyLock;

    use migrate_runtime::core::Set;
    use migrate_runtime::core::folder::{self, Options};

    pub static MIGRATIONS: LazyLock<Set> = LazyLock::new(|| {
        let folder = std::path::PathBuf::from(std::env::var_os("MIGRATE_TEST_FOLDER").unwrap());
        folder::read(&folder, &Options::new(&folder)).unwrap()
    });
}

/// insta looks at its variables, and at `CI`, once a process: so the assertion that fails is made in one of its own.
fn assertion(folder: &Path, update: &str) -> (bool, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "schema_assert::a_change_is_a_new_snapshot_in_the_folder", "--nocapture"]);
    command.env("MIGRATE_TEST_FOLDER", folder).env("INSTA_UPDATE", update).env_remove("CI");
    let output = command.env("NO_COLOR", "1").stdin(Stdio::null()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn a_change_is_a_new_snapshot_in_the_folder() {
    if std::env::var_os("MIGRATE_TEST_FOLDER").is_some() {
        migrate_testing::assert_schema!(changed);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("0001_a.up.sql", "CREATE TABLE orders (id bigint PRIMARY KEY, total integer);");
    write("0001_a.down.sql", "DROP TABLE orders;");
    let (passed, text) = assertion(folder.path(), "always");
    assert!(passed, "{text}");
    let recorded = std::fs::read_to_string(folder.path().join(schema::FILE_NAME)).unwrap();
    assert!(
        recorded.starts_with("---\nsource: ") && recorded.contains("column total integer\n"),
        "{recorded}"
    );
    assert!(assertion(folder.path(), "no").0, "and the next run finds it as it is");

    write("0002_b.up.sql", "ALTER TABLE orders ALTER COLUMN total TYPE numeric(12,2);");
    write("0002_b.down.sql", "ALTER TABLE orders ALTER COLUMN total TYPE integer;");
    let (passed, text) = assertion(folder.path(), "new");
    assert!(!passed, "{text}");
    for line in ["-    column total integer", "+    column total numeric(12,2)"] {
        assert!(text.contains(line), "{text}");
    }
    let new = folder.path().join(format!("{}.new", schema::FILE_NAME));
    assert!(std::fs::read_to_string(&new).unwrap().contains("column total numeric(12,2)\n"));
    // Neither is a migration.
    assert_eq!(folder::read(folder.path(), &Options::new(folder.path())).unwrap().migrations.len(), 2);
    // What `cargo insta review` does with it.
    std::fs::rename(&new, folder.path().join(schema::FILE_NAME)).unwrap();
    assert!(assertion(folder.path(), "no").0);
}

#[test]
fn the_recorded_schema_has_no_paths_of_a_machine() {
    let recorded = std::fs::read_to_string(workspace().join("migrations").join(schema::FILE_NAME)).unwrap();
    let (head, _) = recorded.strip_prefix("---\n").unwrap().split_once("\n---\n").unwrap();
    assert!(!head.contains(" /") && !head.contains(workspace().to_str().unwrap()), "{head}");
}
