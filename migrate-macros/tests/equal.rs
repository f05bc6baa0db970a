//! What is embedded is what is on the disk: byte-order marks, line ends, directives and all.

use std::path::Path;

use migrate_runtime::core::folder::{self, Options};
use migrate_runtime::core::{Migration, Mode, Moment, Set};

migrate_runtime::embed!(mod embedded = "tests/equal/migrations");

/// The other forms of the call.
mod forms {
    migrate_runtime::embed!("tests/equal/migrations");
    migrate_runtime::embed!(pub(super) mod named = "tests/equal/migrations");
    // The folder of the workspace, because this crate has none.
    migrate_runtime::embed!(pub mod of_the_workspace);
}

#[test]
fn every_form_of_the_call() {
    assert_eq!(forms::embedded::MIGRATIONS.digest, embedded::MIGRATIONS.digest);
    assert_eq!(forms::named::MIGRATIONS.digest, embedded::MIGRATIONS.digest);
    assert_eq!(forms::of_the_workspace::MIGRATIONS.folder, "../migrations");
    assert!(!forms::of_the_workspace::MIGRATIONS.migrations.is_empty());
}

/// After a change of the folder: `cargo migrate lock --dir migrate-macros/tests/equal/migrations`.
fn on_disk() -> Set {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("tests/equal/migrations");
    folder::read(&folder, &Options::new(root)).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn embedded_and_disk_are_equal() {
    let disk = on_disk();
    assert_eq!(embedded::MIGRATIONS.folder, "tests/equal/migrations");
    assert_eq!(embedded::MIGRATIONS.digest, disk.digest);
    assert_eq!(embedded::MIGRATIONS.migrations.len(), disk.migrations.len());
    for (embedded, disk) in embedded::MIGRATIONS.migrations.iter().zip(disk.migrations.iter()) {
        assert_eq!(embedded, disk);
    }
}

/// An equality of two empty lists would prove nothing: the folder has every kind of thing that a set can hold.
#[test]
fn the_folder_has_one_of_everything() {
    let migrations = &embedded::MIGRATIONS.migrations;
    assert_eq!(migrations.len(), 11);
    let scripts = || migrations.iter().flat_map(Migration::scripts);
    assert!(scripts().all(|script| !script.text.starts_with('\u{FEFF}') && !script.text.contains("\r\n")));
    assert!(scripts().any(|script| script.text.contains('\r')), "a lone CR stays");
    assert!(scripts().any(|script| script.mode == Mode::NonTransactional));
    assert!(scripts().any(|script| script.directives.no_transaction));
    assert!(scripts().any(|script| script.directives.lock_timeout.is_some_and(|t| t.subsec_millis() == 250)));
    assert!(scripts().any(|script| script.directives.statement_timeout.is_some()));
    assert!(scripts().any(|script| !script.directives.allow.is_empty()));
    assert!(scripts().any(|script| script.has_copy()));
    assert!(scripts().any(|script| !script.dropped.is_empty()));
    // The lock has made up changes for three of the files.
    assert_eq!(scripts().filter(|script| script.change.is_some()).count(), 3);
    let checks: Vec<_> = migrations.iter().filter_map(|migration| migration.check.as_ref()).collect();
    assert_eq!(checks.len(), 2);
    assert!(checks.iter().any(|script| script.statement_timeout.is_some()));
    let all = || checks.iter().flat_map(|script| script.checks.iter());
    assert!(
        all().any(|check| check.moment == Moment::Before) && all().any(|check| check.moment == Moment::After)
    );
    assert!(all().any(|check| check.description.as_deref() == Some("no two of one kind")));
    assert!(all().any(|check| check.description.is_none()));
    assert!(migrations.iter().any(|m| m.down.is_none() && m.up.directives.irreversible.is_some()));
}

/// No allocation at start: every text is in the binary.
#[test]
fn all_of_it_is_static() {
    use std::borrow::Cow::Borrowed;
    assert!(matches!(embedded::MIGRATIONS.migrations, Borrowed(_)));
    for migration in embedded::MIGRATIONS.migrations.iter() {
        assert!(matches!(migration.stem, Borrowed(_)));
        for script in migration.scripts() {
            assert!(matches!((&script.text, &script.statements), (Borrowed(_), Borrowed(_))));
        }
        if let Some(check) = &migration.check {
            assert!(matches!((&check.text, &check.checks), (Borrowed(_), Borrowed(_))));
        }
    }
}
