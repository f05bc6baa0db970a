//! Whether the schema is what the applied migrations make.

use anyhow::Error;
use migrate_runtime::{Error as EngineError, in_one_line};
use serde_json::json;

use crate::Exit;
use crate::drift::{Against, Drift};
use crate::inspection::{Check, Finding, Severity, Situation};
use crate::render::error;
use crate::render::view::{schema_diff, sentences};

/// What is told of a large drift; `cargo migrate drift` tells the rest.
const SHOWN: usize = 20;

/// What was found beside the migrations, or why nobody looked. It takes a server of its own, so it is found out before.
pub(crate) enum SchemaDrift {
    /// `--no-drift`.
    NotWanted,
    /// Looked for.
    Measured(Drift),
    /// It could not be.
    Unknown(Error),
}

impl Check for SchemaDrift {
    fn name(&self) -> &'static str {
        "drift"
    }

    fn title(&self) -> &'static str {
        "the schema against what the applied migrations make"
    }

    fn why(&self) -> &'static str {
        "what was changed beside the migrations is on no other database, and the next migration or its down may fail on it"
    }

    fn look(&self, _: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        Ok(match self {
            Self::NotWanted => vec![unknown(Severity::Info, "not looked for (--no-drift)".to_owned(), None)],
            Self::Unknown(why) if matches!(Exit::of(why), Exit::MigrationFailed | Exit::Dirty) => {
                vec![unknown(
                    Severity::Warning,
                    format!("could not be looked for: on an empty scratch database of this machine, {why}"),
                    Some(
                        "nothing failed in the database that this is about: the migrations alone do not make its schema; \
                         `cargo migrate verify` shows it; --no-drift leaves this check out"
                            .to_owned(),
                    ),
                )]
            }
            Self::Unknown(why) => {
                let hint = error::hints(why).join("; ");
                let hint = if hint.is_empty() {
                    "look at it on another machine: cargo migrate drift".to_owned()
                } else {
                    hint
                };
                vec![unknown(
                    Severity::Warning,
                    format!("could not be looked for: {}", in_one_line(why.as_ref())),
                    Some(format!("{hint}; --no-drift leaves this check out")),
                )]
            }
            Self::Measured(drift) if !drift.is_there() => Vec::new(),
            Self::Measured(drift) => vec![of_drift(drift)],
        })
    }
}

impl SchemaDrift {
    /// Of a look that failed: what is broken ends the inspection, and what is missing here is a finding.
    ///
    /// # Errors
    ///
    /// A lost connection, and an interrupt.
    pub(crate) fn of(result: anyhow::Result<Drift>) -> anyhow::Result<Self> {
        match result {
            Ok(drift) => Ok(Self::Measured(drift)),
            Err(error) => match error.downcast_ref() {
                Some(
                    EngineError::Interrupted { .. }
                    | EngineError::Connect { .. }
                    | EngineError::ConnectionLost { .. },
                ) => Err(error),
                _ => Ok(Self::Unknown(error)),
            },
        }
    }
}

fn unknown(severity: Severity, what: String, remedy: Option<String>) -> Finding {
    let data = json!({ "unknown": what });
    Finding { severity, what, details: Vec::new(), remedy, data }
}

fn of_drift(drift: &Drift) -> Finding {
    let mut details = sentences(&drift.diff);
    let all = details.len();
    if all > SHOWN {
        details.truncate(SHOWN);
        details.push(format!("… and {} more", all - SHOWN));
    }
    let differs = match all {
        1 => "1 difference".to_owned(),
        many => format!("{many} differences"),
    };
    let what = format!("{differs} to what the {} applied migrations make", drift.applied);
    // Versions print some definitions in other words: what another one says is no proof.
    let (severity, what) = match drift.against {
        Against::Scratch { major, same: false } => {
            (Severity::Warning, format!("{what} on PostgreSQL {major}, which may be its way of writing"))
        }
        _ => (Severity::Failure, what),
    };
    Finding {
        severity,
        what,
        details,
        remedy: Some(
            "cargo migrate drift shows them; write a migration that makes the change, or take it back; what is meant to differ \
             is named in `drift-ignore`"
                .to_owned(),
        ),
        data: json!({ "applied": drift.applied, "changes": schema_diff::changes(&drift.diff) }),
    }
}
