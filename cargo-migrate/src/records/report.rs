//! `<kind>-report-<time>.json`: what one run found, whole, for a program and for a person who comes later.

use std::io;
use std::path::{Path, PathBuf};

use migrate_core::file;
use serde_json::{Map, Value};

use super::folder::{self, KEPT, Stamped};

/// What is behind the kind in a report's name.
const SUFFIX: &str = "-report";

const ENDING: &str = "json";

/// The largest report that is read back: one that a person can look at has a few kilobytes.
const LARGEST: u64 = 64 << 20;

/// A report of an earlier run.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// `preflight-report-20261121T193059Z`
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) path: PathBuf,
}

/// Writes a report under a name that nobody has.
pub(super) fn write(folder: &Path, kind: &str, stamp: &str, report: &Value) -> io::Result<PathBuf> {
    let what = format!("{kind}{SUFFIX}");
    let taken = |number: &u32| folder.join(Stamped::name(&what, stamp, *number, ENDING)).exists();
    let number = (1..1000).find(|number| !taken(number)).unwrap_or(1000);
    let path = folder.join(Stamped::name(&what, stamp, number, ENDING));
    let text = serde_json::to_string_pretty(report).map_err(io::Error::from)? + "\n";
    file::replace_private(&path, text.as_bytes()).map_err(|error| error.source)?;
    folder::prune(folder, ENDING, |stamped| stamped.what == what, KEPT, &path);
    Ok(path)
}

/// The reports in a log folder, newest first; of one kind where one is given. A folder that is not there has none.
pub(crate) fn list(folder: &Path, kind: Option<&str>) -> io::Result<Vec<Report>> {
    let found = match Stamped::list(folder, ENDING) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        found => found?,
    };
    let report = |stamped: Stamped| {
        let kind = stamped.what.strip_suffix(SUFFIX)?.to_owned();
        let id = stamped.path.file_stem()?.to_str()?.to_owned();
        Some(Report { id, kind, path: stamped.path })
    };
    let reports = found.into_iter().rev().filter_map(report);
    Ok(reports.filter(|report| kind.is_none_or(|kind| report.kind == kind)).collect())
}

impl Report {
    /// The part of its id that says when: a second one within a second ends in `-2`.
    pub(crate) fn time(&self) -> &str {
        self.id.get(self.kind.len() + SUFFIX.len() + 1..).unwrap_or_default()
    }

    /// What it says.
    ///
    /// # Errors
    ///
    /// Why it cannot be read: gone, larger than 64 MB, no JSON, or no report.
    pub(crate) fn read(&self) -> Result<Map<String, Value>, String> {
        let bytes = file::read(&self.path, LARGEST).map_err(|error| error.source.to_string())?;
        match serde_json::from_slice(&bytes) {
            // A file of another program may be named so, too, and have a `schema` of its own.
            Ok(Value::Object(report)) if is_ours(&report) => Ok(report),
            Ok(_) => Err("it is no report of cargo migrate".to_owned()),
            Err(error) => Err(format!("it is not JSON: {error}")),
        }
    }
}

fn is_ours(report: &Map<String, Value>) -> bool {
    let of = |name: &str| report.get(name).and_then(Value::as_str);
    of("schema").is_some_and(|schema| schema.starts_with("cargo-migrate/")) && of("report").is_some()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use serde_json::json;

    use super::*;

    #[test]
    fn reports_are_private_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let none = list(&folder.path().join("nowhere"), None).unwrap();
        assert!(none.is_empty());
        let report =
            json!({ "schema": "cargo-migrate/1", "report": "preflight", "result": { "passed": true } });
        let stamps = ["20261121T193059Z", "20261121T193059Z", "20261121T193100Z"];
        for stamp in stamps {
            let path = write(folder.path(), "preflight", stamp, &report).unwrap();
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        write(folder.path(), "postflight", stamps[0], &report).unwrap();
        let found = list(folder.path(), Some("preflight")).unwrap();
        let ids: Vec<_> = found.iter().map(|report| report.id.as_str()).collect();
        assert_eq!(
            ids,
            [
                "preflight-report-20261121T193100Z",
                "preflight-report-20261121T193059Z-2",
                "preflight-report-20261121T193059Z"
            ]
        );
        assert_eq!(list(folder.path(), None).unwrap().len(), 4);
        assert_eq!(found[0].read().unwrap()["result"], report["result"]);
        std::fs::write(&found[0].path, "[1]").unwrap();
        found[0].read().unwrap_err();
        std::fs::remove_file(&found[0].path).unwrap();
        found[0].read().unwrap_err();
    }

    #[test]
    fn a_hundred_of_a_kind_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let report = json!({ "schema": "cargo-migrate/1", "report": "preflight" });
        write(folder.path(), "deploy", "20261121T193059Z", &report).unwrap();
        for second in 0..KEPT + 2 {
            let stamp = format!("20261121T19{:02}{:02}Z", second / 60, second % 60);
            write(folder.path(), "preflight", &stamp, &report).unwrap();
        }
        let found = list(folder.path(), Some("preflight")).unwrap();
        assert_eq!((found.len(), found[KEPT - 1].time()), (KEPT, "20261121T190002Z"));
        assert_eq!(list(folder.path(), Some("deploy")).unwrap().len(), 1);
    }
}
