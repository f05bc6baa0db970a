//! What a postflight found.

use serde_json::{Value, json};

use crate::inspection::{Examined, Severity};
use crate::postflight::Report;
use crate::render::json::milliseconds;
use crate::render::words::{count, time};
use crate::render::{Page, View, escape_line};

/// What a postflight found.
pub(crate) struct PostflightView(pub(crate) Report);

impl View for PostflightView {
    fn human(&self, page: Page) -> String {
        let report = &self.0;
        let paint = page.paint;
        let mut text = String::new();
        for examined in &report.examined {
            for finding in &examined.findings {
                let word = match finding.severity {
                    Severity::Failure => paint.bad("failure"),
                    Severity::Warning => paint.warn("warning"),
                    Severity::Info => paint.note("info"),
                };
                text += &format!("{word}: {}: {}\n", examined.check, escape_line(&finding.what));
                for line in &finding.details {
                    text += &format!("  {}\n", escape_line(line));
                }
                if let Some(remedy) = &finding.remedy {
                    text += &format!("  {}: {}\n", paint.note("do"), escape_line(remedy));
                }
            }
        }
        for table in &report.analyzed {
            text += &format!("{} {}\n", paint.good("analyzed"), escape_line(table));
        }
        let (failures, warnings) = (report.count(Severity::Failure), report.count(Severity::Warning));
        let word = if report.passed() { paint.good("passed") } else { paint.bad("failed") };
        text += &format!(
            "postflight {word}: {} and {} of {} on {} in {}\n",
            count(failures, "failure"),
            count(warnings, "warning"),
            count(report.examined.len(), "check"),
            escape_line(&report.database),
            time(report.elapsed)
        );
        if let Some(file) = &report.file {
            text += &format!("report: {}\n", escape_line(&file.display().to_string()));
        }
        text
    }

    fn json(&self) -> Value {
        let report = &self.0;
        json!({
            "passed": report.passed(),
            "database": report.database,
            "identity": report.identity,
            "server_version": report.server_version,
            "at": report.at,
            "applied": report.applied,
            "last_run": report.last_run.as_ref().map(|run| json!({
                "run": run.run, "at": run.at,
                "migrations": run.migrations.iter().map(|one| one.version.as_str()).collect::<Value>(),
            })),
            "schema_digest": report.schema_digest,
            "analyzed": report.analyzed,
            "report": report.file.as_ref().map(|file| file.display().to_string()),
            "elapsed_ms": milliseconds(report.elapsed),
            "checks": report.examined.iter().map(examined).collect::<Value>(),
        })
    }
}

fn examined(examined: &Examined) -> Value {
    let findings = examined.findings.iter().map(|finding| {
        json!({
            "severity": finding.severity.name(), "what": finding.what, "details": finding.details,
            "remedy": finding.remedy, "data": finding.data,
        })
    });
    json!({
        "check": examined.check, "title": examined.title, "why": examined.why,
        "severity": examined.severity().map(Severity::name), "findings": findings.collect::<Value>(),
    })
}
