//! `report list`.

use clap::Args;

use crate::Problem;
use crate::command::call::{Answer, Call, Outcome};
use crate::records::reports;
use crate::render::view::ReportsView;

/// List the reports of earlier runs, newest first
#[derive(Debug, Args)]
pub struct List {
    /// Only those of one kind: preflight, postflight, deploy, rehearse, restore
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
}

impl List {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let folder = call.settings(None)?.log_dir.value;
        let reports = reports(&folder, self.kind.as_deref()).map_err(Problem::io(&folder))?;
        let reports = reports.into_iter().map(|report| {
            let read = report.read();
            (report, read)
        });
        Answer::ok(ReportsView { reports: reports.collect(), folder })
    }
}
