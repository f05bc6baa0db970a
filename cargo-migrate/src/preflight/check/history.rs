//! Whether the history fits the files: what `up` would refuse, in the words in which it would.

use migrate_core::sql::mask_text;
use migrate_core::{Goal, State};
use migrate_runtime::Error as EngineError;
use serde_json::json;

use super::finding;
use crate::inspection::{Check, Finding, Severity, Situation};
use crate::render::event::warning_text;

pub(super) struct History;

impl Check for History {
    fn name(&self) -> &'static str {
        "history"
    }

    fn title(&self) -> &'static str {
        "checksums and order of the migrations"
    }

    fn why(&self) -> &'static str {
        "`up` refuses a history that does not fit the files, because what it would build on is not what was tested"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        match situation.migrator.dry_run(Goal::UpAll) {
            Ok(plan) => Ok(plan
                .warnings
                .iter()
                .map(|warning| {
                    let what = warning_text(warning);
                    finding(Severity::Warning, what, json!({ "kind": "warning" }))
                })
                .collect()),
            Err(
                error @ (EngineError::Connect { .. }
                | EngineError::ConnectionLost { .. }
                | EngineError::Interrupted { .. }),
            ) => Err(error.into()),
            Err(error) => Ok(vec![refusal(&error, situation)]),
        }
    }
}

fn refusal(error: &EngineError, situation: &Situation<'_>) -> Finding {
    let mut details = Vec::new();
    let mut remedy = error.hint();
    if let EngineError::Dirty { progress, invalid_indexes, .. } = error {
        details.extend(progress.map(|(done, total)| format!("{done} of its {total} statements are done")));
        details.extend(invalid_indexes.iter().map(|index| format!("invalid index: {index}")));
        remedy = "`cargo migrate up` resumes it where it can: where that is what you want now, --allow \
                  \"history=resumes the partly applied one\""
            .to_owned();
    }
    let odd = situation
        .status
        .iter()
        .flat_map(|status| &status.entries)
        .filter(|entry| !matches!(entry.state, State::Applied | State::Pending | State::Newer));
    let odd: Vec<_> = odd.map(|entry| (entry.stem.as_str(), state(entry.state))).collect();
    details.extend(odd.iter().map(|(stem, state)| format!("{stem}: {state}")));
    let said = error.to_string();
    // What the server said against reading it is not in the error's own words.
    if let EngineError::Server { source, .. } = error
        && let Some(error) = source.as_db_error()
    {
        details.push(error.message().to_owned());
    }
    Finding {
        severity: Severity::Failure,
        what: mask_text(&said).into_owned(),
        details,
        remedy: Some(remedy),
        data: json!({
            "error": said,
            "migrations": odd.iter().map(|(stem, state)| json!({ "migration": stem, "state": state }))
                .collect::<serde_json::Value>(),
        }),
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::Applied => "applied",
        State::Pending => "pending",
        State::OutOfOrder => "out of order",
        State::Dirty => "partly applied",
        State::Modified => "modified",
        State::Renamed => "renamed",
        State::Missing => "missing",
        State::Newer => "newer",
        State::BadChecksum => "bad checksum",
        State::Duplicate => "duplicate",
        State::BadVersion => "bad version",
        _ => "odd",
    }
}
