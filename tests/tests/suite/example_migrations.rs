//! The example migrations, run by psql: what they are on their own, whatever our engine does.

use std::path::{Path, PathBuf};
use std::process::Command;

use migrate_testing::{Binaries, ScratchDatabase};
use migrate_tests::migrations::example;
use migrate_tests::{binaries, dump, output};

/// The example's scripts of one direction, in order.
fn scripts(direction: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(binaries::workspace().join("migrations")).unwrap();
    let ending = format!(".{direction}.sql");
    let mut scripts: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    scripts.retain(|path| path.to_str().is_some_and(|path| path.ends_with(&ending)));
    scripts.sort();
    scripts
}

/// Runs a script as a person would.
#[track_caller]
fn psql(database: &ScratchDatabase, script: &Path) {
    let program = Binaries::find(None).unwrap().program("psql").unwrap();
    let mut command = Command::new(program);
    command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f"]).arg(script).arg(database.url());
    let output = output::capture(&mut command);
    assert_eq!(output.code, 0, "{}:\n{}", script.display(), output.stderr);
}

/// By psql what the engine makes of them, which has the snapshot.
#[test]
fn the_schema_that_they_make() {
    let database = migrate_testing::scratch().unwrap();
    for script in scripts("up") {
        psql(&database, &script);
    }
    assert_eq!(database.schema().unwrap(), migrate_testing::schema_of(&example()).unwrap());
}

#[test]
fn each_down_restores_what_was_before_its_up() {
    let database = migrate_testing::scratch().unwrap();
    let (ups, downs) = (scripts("up"), scripts("down"));
    assert!(ups.len() >= 14 && ups.len() == downs.len(), "{} ups, {} downs", ups.len(), downs.len());
    let mut before = vec![dump::schema(database.url(), &[])];
    for up in &ups {
        psql(&database, up);
        before.push(dump::schema(database.url(), &[]));
    }
    for (down, up) in downs.iter().zip(&ups).rev() {
        before.pop();
        psql(&database, down);
        let restored = dump::schema(database.url(), &[]);
        similar(&restored, before.last().unwrap(), up);
    }
}

#[track_caller]
fn similar(restored: &str, before: &str, script: &Path) {
    let only = |one: &str, other: &str| -> Vec<String> {
        let other: std::collections::HashSet<_> = other.split('\n').collect();
        one.split('\n').filter(|line| !other.contains(line)).map(str::to_owned).collect()
    };
    let (more, less) = (only(restored, before), only(before, restored));
    assert!(restored == before, "after the down of {}\nmore: {more:#?}\nless: {less:#?}", script.display());
}
