//! Whether the server is the one that the migrations were reviewed for.

use serde_json::json;

use super::finding;
use crate::inspection::{Check, Finding, Severity, Situation};

pub(super) struct ServerVersion;

/// The versions that every test of ours is run on.
const TESTED: std::ops::RangeInclusive<u32> = 14..=18;

impl Check for ServerVersion {
    fn name(&self) -> &'static str {
        "server-version"
    }

    fn title(&self) -> &'static str {
        "the server's version"
    }

    fn why(&self) -> &'static str {
        "what locks a table or rewrites it differs from version to version: `lint` judged by the one that it was told"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let major = situation.version / 10_000;
        let mut findings = Vec::new();
        if !TESTED.contains(&major) {
            findings.push(finding(
                Severity::Warning,
                format!(
                    "PostgreSQL {major} is none of the versions that are tested: {} to {}",
                    TESTED.start(),
                    TESTED.end()
                ),
                json!({ "server": major }),
            ));
        }
        if let Some(said) =
            situation.settings.lint.server_version.map(u32::from).filter(|said| *said != major)
        {
            // What is safe on an older server is so on a newer one; the other way round it need not be.
            let severity = if said > major { Severity::Warning } else { Severity::Info };
            findings.push(Finding {
                remedy: Some(format!("[package.metadata.migrate.lint] server-version = {major}")),
                ..finding(
                    severity,
                    format!("this is PostgreSQL {major}, and lint is told that it is {said}"),
                    json!({ "server": major, "lint": said }),
                )
            });
        }
        Ok(findings)
    }
}
