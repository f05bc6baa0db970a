//! The example migrations, run by psql: what they are on their own, whatever our engine does.

use std::path::{Path, PathBuf};
use std::process::Command;

use migrate_testing::{Binaries, ScratchDatabase, schema};
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

#[test]
fn the_schema_that_they_make() {
    let database = migrate_testing::scratch().unwrap();
    for script in scripts("up") {
        psql(&database, &script);
    }
    let listing = schema::listing(&mut database.connect().unwrap()).unwrap();
    // Version 15 changed the owner and the privileges of the schema public itself.
    let own = listing.split("\n\n").filter(|object| !object.starts_with("schema public\n"));
    let own = own.collect::<Vec<_>>().join("\n\n");
    // Since version 16 the columns of a view over one table are printed without that table's name.
    let era = if Binaries::find(None).unwrap().major < 16 { "14" } else { "16" };
    insta::with_settings!({ snapshot_suffix => era, omit_expression => true }, {
        insta::assert_snapshot!("example_schema", own);
    });
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
