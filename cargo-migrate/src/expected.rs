//! What a migration should have changed, found out on a scratch database: for a person who is told that it did not.

use migrate_core::schema::{Change, Diff, Object, Schema};
use migrate_core::{Direction, Script, Set};
use migrate_runtime::error::Disproof;
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{Error as EngineError, Migrator};

use crate::command::Call;
use crate::render::view::ExpectedView;
use crate::scratch::Scratch;

/// The result of a run; where it is a change that is not as recorded, what it should have been is shown first.
pub(crate) fn told<T>(
    call: &Call,
    set: &Set,
    migrator: &Migrator,
    result: Result<T, EngineError>,
) -> Result<T, EngineError> {
    if let Err(EngineError::Disproved { disproof }) = &result
        && let Ok(version) = migrator.server_version()
    {
        show(call, set, disproof, version);
    }
    result
}

/// Runs the migrations up to this one on a scratch database, if this machine has a server for that, and shows how what
/// this one changes there differs from what it changed. It is a help and no more: where it fails, nothing is shown.
fn show(call: &Call, set: &Set, disproof: &Disproof, server_version: u32) {
    let Some(scratch) = Scratch::present(server_version) else { return };
    let works = call.context.engine_works();
    let expected = change(call, set, disproof, &scratch);
    drop(works);
    if let Some(expected) = expected {
        let view = ExpectedView {
            stem: disproof.stem.clone(),
            major: scratch.major(),
            stale: expected.digest() != disproof.recorded,
            diff: compare(&expected, &disproof.diff),
        };
        call.ui.remark(&view, "expected");
    }
}

fn change(call: &Call, set: &Set, disproof: &Disproof, scratch: &Scratch) -> Option<Diff> {
    let migration = set.migrations.iter().find(|migration| migration.stem == disproof.stem)?;
    let before = set.migrations.iter().filter(|other| match disproof.direction {
        Direction::Up => other.version < migration.version,
        Direction::Down => other.version <= migration.version,
    });
    let mut scripts: Vec<(&str, &Script)> = before.map(|other| (other.stem.as_ref(), &other.up)).collect();
    let schema = |scripts: &[(&str, &Script)]| {
        scratch.schema(scripts.iter().copied(), &SchemaOptions::portable(), &call.context.interrupt).ok()
    };
    let before = schema(&scripts)?;
    scripts.push(match disproof.direction {
        Direction::Up => (&migration.stem, &migration.up),
        Direction::Down => (&migration.stem, migration.down.as_ref()?),
    });
    Some(before.diff(&schema(&scripts)?).portable())
}

/// The difference of two changes, by object: each fact with the sign that it has in its change.
fn compare(expected: &Diff, found: &Diff) -> Diff {
    facts(expected).diff(&facts(found))
}

fn facts(diff: &Diff) -> Schema {
    let signed = |sign: char, lines: &[String]| -> Vec<String> {
        lines.iter().map(|line| format!("{sign} {line}")).collect()
    };
    let object = |change: &Change| {
        let mut lines = match change {
            Change::Added(object) => [vec!["created".to_owned()], signed('+', &object.lines)].concat(),
            Change::Removed(object) => [vec!["dropped".to_owned()], signed('-', &object.lines)].concat(),
            Change::Changed { removed, added, .. } => [signed('-', removed), signed('+', added)].concat(),
            _ => Vec::new(),
        };
        // Where a column comes to stand is no part of a change.
        lines.sort();
        Object { heading: change.heading().to_owned(), lines }
    };
    diff.changes.iter().map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_changes_are_compared_by_object() {
        let schema = |text: &str| Schema::parse(text).unwrap();
        let before = schema("table a\n    column x integer\n");
        let expected =
            before.diff(&schema("table a\n    column x integer\n    column y integer\n\ntable b\n"));
        let found = before.diff(&schema("table a\n    column x integer\n    column y bigint\n\ntable c\n"));
        assert_eq!(
            compare(&expected, &found).text(),
            "  table a\n-     + column y integer\n+     + column y bigint\n\
             - table b\n-     created\n+ table c\n+     created\n"
        );
        assert!(compare(&expected, &expected).is_empty());
        let gone = before.diff(&Schema::default());
        assert_eq!(
            compare(&Diff::default(), &gone).text(),
            "+ table a\n+     - column x integer\n+     dropped\n"
        );
    }
}
