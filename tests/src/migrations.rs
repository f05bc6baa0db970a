//! Migrations written down in a test, and the engine run on them in the test's own process.

use migrate_runtime::core::folder::{self, Options};
use migrate_runtime::core::{Direction, Goal, Migration, Script, Set, name};
use migrate_runtime::rehearsal::Rehearsal;
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{Database, Error, Migrator, Report};

use crate::binaries::workspace;

/// Settings of a database, with nothing from the environment.
///
/// # Panics
///
/// Where the URL is none.
#[track_caller]
pub fn database(url: &str) -> Database {
    Database::resolve(Some(url), &|_| None).unwrap_or_else(|error| panic!("{error}: {}", error.hint()))
}

/// One migration. An empty down is none.
///
/// # Panics
///
/// Where the name or a script is refused.
#[track_caller]
pub fn migration(stem: &str, up: &str, down: &str) -> Migration {
    let script = |half: &str, text: &str| {
        Script::parse(&format!("{stem}.{half}.sql"), text.to_owned())
            .unwrap_or_else(|error| panic!("{error}"))
    };
    let (version, _) = name::parse_recorded(stem).unwrap_or_else(|| panic!("`{stem}` has no version"));
    let down = (!down.is_empty()).then(|| script("down", down));
    Migration { stem: stem.to_owned().into(), version, up: script("up", up), down, check: None }
}

/// A set of (stem, up, down).
///
/// # Panics
///
/// As [`migration`].
#[track_caller]
pub fn set(migrations: &[(&str, &str, &str)]) -> Set {
    Set::new("migrations", migrations.iter().map(|(stem, up, down)| migration(stem, up, down)).collect())
}

/// The set with what each script changes on a database of its own: what `verify --record` does.
///
/// # Panics
///
/// Where a script fails.
#[track_caller]
pub fn recorded(set: &Set) -> Set {
    let scratch = migrate_testing::scratch().unwrap_or_else(|error| panic!("{error}"));
    let mut rehearsal = good(Rehearsal::connect(&database(scratch.url()), SchemaOptions::portable()));
    let mut change = |script: &mut Script, stem: &str, direction| {
        let before = good(rehearsal.schema());
        good(rehearsal.run(script, stem, direction));
        script.change = Some(before.diff(&good(rehearsal.schema())).digest());
    };
    let mut all = set.migrations.to_vec();
    for Migration { stem, up, down, .. } in &mut all {
        change(up, stem, Direction::Up);
        if let Some(down) = down {
            change(down, stem, Direction::Down);
            change(up, stem, Direction::Up);
        }
    }
    Set::new(set.folder.clone(), all)
}

/// A runner for (stem, up, down) on a database.
///
/// # Panics
///
/// As [`migration`] and [`database`].
#[track_caller]
pub fn migrator(url: &str, migrations: &[(&str, &str, &str)]) -> Migrator {
    Migrator::new(set(migrations)).database(database(url))
}

/// Applies (stem, up, down) to a database.
///
/// # Panics
///
/// Where that fails.
#[track_caller]
pub fn apply(url: &str, migrations: &[(&str, &str, &str)]) -> Report {
    good(migrator(url, migrations).run(Goal::UpAll))
}

/// What was asked for, or a panic with the error, its cause and its hint.
///
/// # Panics
///
/// Where it is an error.
#[track_caller]
pub fn good<T>(result: Result<T, Error>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => {
            let cause = std::error::Error::source(&error);
            panic!("{error}: {cause:?}\n{error:?}\nhint: {}", error.hint())
        }
    }
}

/// The stems of what was done, in order.
pub fn stems(report: &Report) -> Vec<&str> {
    report.done.iter().map(|done| done.stem.as_str()).collect()
}

/// The example migrations of the workspace.
///
/// # Panics
///
/// Where the folder is refused.
pub fn example() -> Set {
    let folder = workspace().join("migrations");
    folder::read(&folder, &Options::new(workspace())).unwrap_or_else(|problems| panic!("{problems:?}"))
}
