//! `report show`.

use std::path::Path;

use clap::Args;

use crate::Problem;
use crate::command::call::{Answer, Call, Outcome};
use crate::records::{Report, reports};
use crate::render::view::ShownReportView;

/// Show a report of an earlier run, the newest where none is named
#[derive(Debug, Args)]
pub struct Show {
    /// Which one: `latest`, an id as `report list` has it, or the beginning of one or of its time, if no other begins so
    #[arg(value_name = "ID", default_value = "latest")]
    id: String,

    /// Only those of one kind: preflight, postflight, deploy, rehearse, restore
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
}

impl Show {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let folder = call.settings(None)?.log_dir.value;
        let reports = reports(&folder, self.kind.as_deref()).map_err(Problem::io(&folder))?;
        let report = self.pick(&reports, &folder)?;
        let read = report.read();
        let content = read.map_err(|why| Problem::BadReport { path: report.path.clone(), why })?;
        Answer::ok(ShownReportView { report: report.clone(), content })
    }

    fn pick<'a>(&self, reports: &'a [Report], folder: &Path) -> Result<&'a Report, Problem> {
        let none = |meant: Vec<String>| Problem::NoReport {
            asked: self.id.clone(),
            kind: self.kind.clone(),
            folder: folder.to_owned(),
            meant,
        };
        if self.id == "latest" {
            return reports.first().ok_or_else(|| none(Vec::new()));
        }
        if let Some(exact) = reports.iter().find(|report| report.id == self.id) {
            return Ok(exact);
        }
        let begins = |text: &str| text.starts_with(&self.id);
        let meant: Vec<_> =
            reports.iter().filter(|report| begins(&report.id) || begins(report.time())).collect();
        match meant.as_slice() {
            [one] => Ok(one),
            several => Err(none(several.iter().take(5).map(|report| report.id.clone()).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_is_enough_where_it_is_one() {
        let report = |kind: &str, stamp: &str| Report {
            id: format!("{kind}-report-{stamp}"),
            kind: kind.to_owned(),
            path: Default::default(),
        };
        let reports = [
            report("preflight", "20261121T193100Z"),
            report("postflight", "20261121T193059Z"),
            report("preflight", "20261120T193059Z"),
            report("deploy", "20261119T193059Z-2"),
        ];
        let pick = |id: &str| {
            let show = Show { id: id.to_owned(), kind: None };
            show.pick(&reports, Path::new("log")).map(|report| report.id.clone())
        };
        assert_eq!(pick("latest").unwrap(), reports[0].id);
        assert_eq!(pick("20261120").unwrap(), reports[2].id);
        assert_eq!(pick("post").unwrap(), reports[1].id);
        assert_eq!(pick("20261119T193059Z-2").unwrap(), reports[3].id);
        assert_eq!(pick(&reports[0].id).unwrap(), reports[0].id);
        for (id, number) in [("pre", 2), ("2026", 4), ("x", 0)] {
            let Err(Problem::NoReport { meant, .. }) = pick(id) else { panic!("{id}") };
            assert_eq!(meant.len(), number, "{id}");
        }
    }
}
