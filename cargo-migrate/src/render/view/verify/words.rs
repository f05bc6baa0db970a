//! What is wrong, and what to do about it, in sentences.

use migrate_core::sql::mask_text;
use migrate_core::{Direction, Moment};
use migrate_runtime::checks::Verdict;
use migrate_testing::verify::{Failure, Finding, MigrationReport};

use crate::base::Change as FileChange;
use crate::render::escape_line;

/// What is wrong, in a sentence.
pub(super) fn title(migration: Option<&MigrationReport>, finding: &Finding) -> String {
    let stem = migration.map_or_else(String::new, |migration| escape_line(&migration.stem).into_owned());
    match finding {
        Finding::DiffersAfterDown(_) => format!("the down of {stem} does not undo its up"),
        Finding::DiffersAfterUpAgain(_) => {
            format!("{stem} makes another schema when it is applied again")
        }
        Finding::OrderOnly(_) if migration.is_none() => {
            "after all downs and all ups columns stand in another order".to_owned()
        }
        Finding::OrderOnly(_) => format!("after the down of {stem} columns stand in another order"),
        Finding::WhiteSpaceOnly(_) if migration.is_none() => {
            "after all downs and all ups a function is laid out in another way".to_owned()
        }
        Finding::WhiteSpaceOnly(_) => {
            format!("after the down of {stem} only white space in a function differs")
        }
        Finding::NotDeterministic(_) => format!("{stem} makes another schema each time it is applied"),
        Finding::UndoesInAGroup { group, .. } => {
            let oldest = group.first().map_or("", String::as_str);
            format!(
                "the down of {stem} undoes its up only together with those down to {}",
                escape_line(oldest)
            )
        }
        Finding::RecordedChangeDiffers { direction, .. } => {
            let half = if *direction == Direction::Up { "up" } else { "down" };
            format!("the {half} of {stem} does not change the schema as migrations.lock has it")
        }
        Finding::ChainDiffers(_) => "all downs, one after the other, do not undo the ups".to_owned(),
        Finding::CheckFails(outcome) => {
            let what = match (migration, outcome.moment) {
                (Some(_), Moment::Before) => format!("a check before {stem}"),
                (Some(_), Moment::After) => format!("a check behind {stem}"),
                (None, _) => "a check".to_owned(),
            };
            format!(
                "{what} does not hold on an empty database: {}: {}",
                escape_line(&outcome.title()),
                escape_line(&mask_text(&outcome.verdict.to_string()))
            )
        }
        Finding::RunnerDiffers(_) => "the runner makes another schema than the scripts alone".to_owned(),
        Finding::RunnerRefuses { message, .. } => {
            format!("the runner refuses the migrations: {}", escape_line(message))
        }
        other => other.kind().replace('_', " "),
    }
}

/// What failed, in a clause.
pub(super) fn failed(finding: &Finding, failure: &Failure) -> &'static str {
    match (finding, failure.direction) {
        (Finding::UpAgainFails(_), _) => "the up cannot be applied again after the down",
        (Finding::ChainFails(_), Direction::Up) => "the up fails after all downs",
        (Finding::ChainFails(_), Direction::Down) => {
            "the down fails after those of the newer migrations, though not alone"
        }
        (_, Direction::Up) => "the up fails",
        (_, Direction::Down) => "the down fails",
    }
}

/// What became of a file, in a sentence.
pub(super) fn changed(change: &FileChange, rev: &str) -> String {
    let (file, rev) = (escape_line(change.file()), escape_line(rev));
    match change {
        FileChange::Edited { .. } => format!("{file} is not as in {rev}"),
        FileChange::Deleted { .. } => format!("{file} of {rev} is gone"),
        FileChange::Renamed { to, .. } => format!("{file} of {rev} is called {} here", escape_line(to)),
        FileChange::OutOfOrder { newest, .. } => {
            format!("{file} is new and older than {} of {rev}", escape_line(newest))
        }
    }
}

/// What to do about it.
pub(super) fn hint(finding: &Finding) -> Option<String> {
    Some(match finding {
        Finding::DiffersAfterDown(_) => {
            "after the down the schema has the lines with +, and lacks those with -: let the down undo all that the up did, \
             or say `-- migrate: irreversible <reason>` in the up file and remove the down"
                .to_owned()
        }
        Finding::DiffersAfterUpAgain(_) => {
            "after the second up the schema has the lines with +, and lacks those with -: what the down leaves behind, or \
             what IF NOT EXISTS passes over, decides what the up makes"
                .to_owned()
        }
        Finding::NotDeterministic(_) => {
            "two databases get another schema from it: write names and defaults that do not depend on the time, on chance \
             or on object ids"
                .to_owned()
        }
        Finding::UndoesInAGroup { .. } => {
            "rolled back alone it leaves the lines with + and lacks those with -: let the down undo all that the up did; \
             --allow-groups passes it"
                .to_owned()
        }
        Finding::ChainDiffers(_) | Finding::RunnerDiffers(_) => {
            "the lines with + are there and should not be, those with - are missing".to_owned()
        }
        Finding::RunnerRefuses { hint, .. } => hint.clone(),
        Finding::RecordedChangeDiffers { .. } => {
            "above is what it changes now; one before it was edited, or it was recorded with other settings: if it is as it \
             should be, record it with `cargo migrate verify --record` and commit migrations.lock"
                .to_owned()
        }
        Finding::CheckFails(outcome) if matches!(outcome.verdict, Verdict::Refused { .. }) => {
            "a query has to fit the schema as it is at its moment: before the up file, or behind it".to_owned()
        }
        Finding::CheckFails(_) => {
            "a database that is made from nothing has only the rows that the migrations put there, and every check has to \
             hold on it: ask for what must not be there, and for nothing that must"
                .to_owned()
        }
        _ => return None,
    })
}
