//! Whether this is the server that the environment names: the one that its first passed preflight saw.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::finding;
use crate::config::Settings;
use crate::inspection::{Check, Finding, Identity, Severity, Situation};
use crate::preflight::{Report, marker};

pub(super) struct Environment;

/// What is kept of an environment in the log folder.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    environment: String,
    identity: Identity,
    /// The server's time of the preflight that saw it, ISO 8601.
    since: String,
}

const WHAT: &str = "environment";

impl Check for Environment {
    fn name(&self) -> &'static str {
        "environment"
    }

    fn title(&self) -> &'static str {
        "the server that the environment names"
    }

    fn why(&self) -> &'static str {
        "an address that leads somewhere else (a changed variable, a tunnel to another port, a restored copy) sends \
         migrations to a database that nobody meant"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        let here = &situation.identity;
        if let Some(database) = situation.connection.database()
            && database.dbname() != here.database
        {
            findings.push(Finding {
                details: vec![
                    "a pooler can give a database another name; otherwise the address is not what it says"
                        .into(),
                ],
                ..finding(
                    Severity::Warning,
                    format!(
                        "the address names database {}, and this is {}",
                        database.dbname(),
                        here.database
                    ),
                    json!({ "address": database.dbname(), "here": here.database }),
                )
            });
        }
        let Some(environment) = &situation.settings.environment else { return Ok(findings) };
        let path = marker::named(situation.settings, here, WHAT);
        let known = match known(situation.settings, here) {
            Ok(Some(known)) => known,
            Ok(None) => return Ok(findings),
            Err(why) => {
                findings.push(Finding {
                    remedy: Some(format!(
                        "remove {}: the next preflight that passes writes it anew",
                        path.display()
                    )),
                    ..finding(
                        Severity::Warning,
                        format!("which server environment {} is cannot be read: {why}", environment.value),
                        json!({ "unknown": why }),
                    )
                });
                return Ok(findings);
            }
        };
        if known.identity == *here {
            return Ok(findings);
        }
        let (then, name) = (&known.identity, &environment.value);
        let data = json!({ "known": then, "here": here, "since": known.since });
        let same_server = then.system.is_some() && then.system == here.system;
        if same_server && then.database == here.database {
            findings.push(finding(
                Severity::Warning,
                format!(
                    "database {} of environment {name} was made anew since {}: its oid was {}, and is {}",
                    here.database, known.since, then.oid, here.oid
                ),
                data,
            ));
            return Ok(findings);
        }
        findings.push(Finding {
            details: vec![format!("since {} it was {then}", known.since), format!("this is {here}")],
            remedy: Some(format!(
                "see that the address leads to {name}; where it has moved: --allow \"environment=it has moved to …\""
            )),
            ..finding(
                Severity::Failure,
                match same_server {
                    true => format!("this is another database than the one that environment {name} was"),
                    false => format!("this is another server than the one that environment {name} was"),
                },
                data,
            )
        });
        Ok(findings)
    }
}

/// What is known of the environment.
fn known(settings: &Settings, here: &Identity) -> Result<Option<Known>, String> {
    let path = marker::named(settings, here, WHAT);
    if std::fs::symlink_metadata(&path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Ok(None);
    }
    let bytes = migrate_core::file::read(&path, 1 << 20).map_err(|error| error.source.to_string())?;
    serde_json::from_slice(&bytes).map(Some).map_err(|error| error.to_string())
}

/// Keeps which database an environment is, once a preflight of it was passed. What cannot be written is not known next
/// time: the marker, which lies beside it, is what a run asks for.
pub(in crate::preflight) fn remember(settings: &Settings, report: &Report) {
    let Some(environment) = &settings.environment else { return };
    let here = &report.identity;
    // Whoever passes with another identity was warned of it, or has allowed it.
    if !matches!(known(settings, here), Ok(Some(known)) if known.identity == *here) {
        let known = Known {
            environment: environment.value.clone(),
            identity: here.clone(),
            since: report.at.clone(),
        };
        let _ = marker::write_json(&marker::named(settings, here, WHAT), &known);
    }
}
