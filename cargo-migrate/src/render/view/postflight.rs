//! What a postflight found.

use serde_json::{Value, json};

use super::inspection;
use crate::Exit;
use crate::postflight::Report;
use crate::render::json::milliseconds;
use crate::render::words::{count, time};
use crate::render::{Page, View, escape_line};

/// What a postflight came to.
pub(crate) struct PostflightView {
    pub(crate) report: Report,
    pub(crate) verbose: bool,
}

/// What a postflight ends in.
pub(crate) fn exit(report: &Report) -> Exit {
    if report.passed() { Exit::Success } else { Exit::PostflightFailed }
}

impl View for PostflightView {
    fn human(&self, page: Page) -> String {
        let (report, paint) = (&self.report, page.paint);
        let head = inspection::head("postflight", &report.database, report.environment.as_deref());
        let mut text = format!("{}\n", paint.bold(&escape_line(&head)));
        let applied = count(report.applied, "migration");
        text += &match &report.last_run {
            Some(run) => {
                let stems: Vec<_> = run.migrations.iter().map(|one| one.version.as_str()).collect();
                let what = match stems.as_slice() {
                    [] => "nothing of it is left".to_owned(),
                    [one] => (*one).to_owned(),
                    [first, .., last] => format!("{} migrations, {first} to {last}", stems.len()),
                };
                format!("{applied} applied; the last run ended at {}: {}\n", run.at, escape_line(&what))
            }
            None => format!("{applied} applied\n"),
        };
        text += &match &report.schema_digest {
            Some(digest) => format!("schema {digest}\n\n"),
            None => "schema unknown: somebody holds a table whose definition is part of it\n\n".to_owned(),
        };
        text += &inspection::human(&report.examined, self.verbose, page);
        for table in &report.analyzed {
            text += &format!("{} {}\n", paint.good("analyzed"), escape_line(table));
        }
        let sum = inspection::after_verdict(&report.examined);
        let word = match report.passed() {
            true => paint.good("postflight passed"),
            false => paint.bad("postflight failed"),
        };
        text += &format!("\n{word}{sum}, in {}\n", time(report.elapsed));
        text + &inspection::kept(report.file.as_deref(), page)
    }

    fn json(&self) -> Value {
        let report = &self.report;
        json!({
            "passed": report.passed(),
            "database": report.database,
            "environment": report.environment,
            "identity": report.identity,
            "server_version": report.server_version,
            "at": report.at,
            "applied": report.applied,
            "last_run": report.last_run.as_ref().map(|run| json!({
                "run": run.run, "at": run.at,
                "migrations": run.migrations.iter().map(|one| one.version.as_str()).collect::<Value>(),
            })),
            "schema_digest": report.schema_digest,
            "checks": inspection::json(&report.examined),
            "analyzed": report.analyzed,
            "report": report.file.as_ref().map(|file| file.display().to_string()),
            "elapsed_ms": milliseconds(report.elapsed),
        })
    }
}
