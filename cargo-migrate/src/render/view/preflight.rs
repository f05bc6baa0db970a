//! What a preflight found, and whether a run may begin.

use serde_json::{Value, json};

use super::inspection;
use crate::Exit;
use crate::preflight::Report;
use crate::render::words::{count, server_version, time};
use crate::render::{Page, View, escape_line};

/// What a preflight came to.
pub(crate) struct PreflightView {
    pub(crate) report: Report,
    pub(crate) verbose: bool,
}

/// What a preflight ends in.
pub(crate) fn exit(report: &Report) -> Exit {
    if report.passed() { Exit::Success } else { Exit::Refused }
}

impl View for PreflightView {
    fn human(&self, page: Page) -> String {
        let (report, paint) = (&self.report, page.paint);
        let of = inspection::head("preflight", &report.database, report.environment.as_deref());
        let head = format!("{of}: PostgreSQL {}", server_version(report.server_version));
        let mut text = format!("{}\n\n", paint.bold(&escape_line(&head)));
        text += &inspection::human(&report.examined, self.verbose, page);
        text.push('\n');
        let sum = inspection::after_verdict(&report.examined);
        let pending = count(report.pending.migrations().len(), "pending migration");
        if report.passed() {
            text += &format!("{}{sum}\n", paint.good("preflight passed"));
            match &report.marker_failure {
                None => text += &format!("good for {pending} and {}\n", time(report.good_for)),
                Some(why) => {
                    text += &format!(
                        "{}: it cannot be shown to `up` and `deploy`: {}\n",
                        paint.warn("warning"),
                        escape_line(why)
                    );
                }
            }
        } else {
            text += &format!("{}{sum}; nothing was changed\n", paint.bad("preflight failed"));
            text += &format!(
                "{}: do what is said above and run it again; a failure that is known is allowed with --allow \
                 CHECK=REASON, and the audit log keeps the reason\n",
                paint.note("hint")
            );
        }
        text + &inspection::kept(report.file.as_deref(), page)
    }

    fn json(&self) -> Value {
        result(&self.report)
    }
}

fn result(report: &Report) -> Value {
    let migrations = report.pending.migrations().iter().map(|migration| migration.stem.as_ref());
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
    json!({
        "passed": report.passed(),
        "database": report.database,
        "environment": report.environment,
        "identity": report.identity,
        "server_version": report.server_version,
        "at": report.at,
        "pending": {
            "digest": report.pending.digest().to_string(),
            "migrations": migrations.collect::<Vec<_>>(),
        },
        "checks": inspection::json(&report.examined),
        "allowed": report.allowed,
        "marker": path(&report.marker),
        "marker_failure": report.marker_failure,
        "report": path(&report.file),
        "elapsed_ms": report.elapsed.as_millis() as u64,
    })
}
