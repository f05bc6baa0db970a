//! One preflight, from the first question to the marker.

use std::time::Instant;

use migrate_core::Set;
use migrate_runtime::Connection;

use super::marker::{self, Allowed};
use super::{Allow, CHECKS, Options, Report, check};
use crate::command::Call;
use crate::config::Settings;
use crate::inspection::{Examined, Severity, Situation};
use crate::render::view::PreflightView;

/// Looks the database over. Writes nothing to it; into the log folder a report, and a marker where nothing stops a run.
///
/// # Errors
///
/// Where the database cannot be reached, or is lost on the way.
pub(crate) fn run(call: &Call, settings: &Settings, set: &Set, options: &Options) -> anyhow::Result<Report> {
    let started = Instant::now();
    let (migrator, database) = call.migrator(settings, set.clone(), None)?;
    let _works = call.context.engine_works();
    let place = call.database(settings)?;
    let connection = Connection::open(&place, "cargo-migrate: preflight", &call.context.interrupt)?;
    let mut situation = Situation::look(settings, set, &migrator, &connection)?;
    situation.limits = options.limits;
    let mut examined = Vec::with_capacity(CHECKS.len());
    for check in CHECKS {
        examined.push(check.examine(&situation)?);
    }
    let allowed = allow(&mut examined, &options.allow);
    let mut report = Report {
        database,
        environment: settings.environment_name(),
        identity: situation.identity,
        server_version: situation.version,
        at: situation.now,
        pending: situation.pending,
        examined,
        allowed,
        marker: None,
        marker_failure: None,
        good_for: settings.preflight_max_age.value,
        file: None,
        elapsed: started.elapsed(),
    };
    if report.passed() {
        let (identity, pending) = (&report.identity, &report.pending);
        let written = marker::write(settings, identity, pending, &report.at, report.allowed.clone());
        match written {
            Ok(path) => report.marker = Some(path),
            Err(error) => report.marker_failure = Some(format!("{error}: {}", error.source)),
        }
        check::remember_environment(settings, &report);
    } else {
        marker::remove(settings, &report.identity)?;
    }
    let view = PreflightView { report: report.clone(), verbose: true };
    report.file = call.logbook(settings).write_view("preflight", &view);
    Ok(report)
}

/// Makes warnings of the failures that a person allowed; those of them that there were.
fn allow(examined: &mut [Examined], allow: &[Allow]) -> Vec<Allowed> {
    let mut allowed = Vec::new();
    for Allow(allow) in allow {
        let of_check = examined.iter_mut().filter(|one| one.check == allow.check);
        let failures = of_check
            .flat_map(|one| &mut one.findings)
            .filter(|finding| finding.severity == Severity::Failure);
        let mut any = false;
        for finding in failures {
            any = true;
            finding.severity = Severity::Warning;
            finding.details.push(format!("a failure, allowed: {}", allow.reason));
            if let Some(data) = finding.data.as_object_mut() {
                data.insert("allowed".to_owned(), allow.reason.clone().into());
            }
        }
        if any {
            allowed.push(allow.clone());
        }
    }
    allowed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::inspection::Finding;

    #[test]
    fn an_allowed_failure_is_a_warning_that_says_why() {
        let finding = |severity| Finding {
            severity,
            what: "x".into(),
            details: vec![],
            remedy: None,
            data: json!({ "pid": 1 }),
        };
        let one =
            |check, severity| Examined { check, title: "t", why: "w", findings: vec![finding(severity)] };
        let mut examined = [
            one("history", Severity::Failure),
            one("connections", Severity::Failure),
            one("sizes", Severity::Info),
        ];
        let options = ["history=known", "environment=known"].map(|text| text.parse().unwrap());
        let allowed = allow(&mut examined, &options);
        assert_eq!(allowed, [Allowed { check: "history".into(), reason: "known".into() }]);
        let severities: Vec<_> = examined.iter().filter_map(Examined::severity).collect();
        assert_eq!(severities, [Severity::Warning, Severity::Failure, Severity::Info]);
        let finding = &examined[0].findings[0];
        assert_eq!(finding.details, ["a failure, allowed: known"]);
        assert_eq!(finding.data, json!({ "pid": 1, "allowed": "known" }));
    }
}
