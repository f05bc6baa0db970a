//! Room on the server's disks, where that can be known: on this machine.

use std::path::{Path, PathBuf};

use migrate_core::file;
use rustix::fs::statvfs;
use serde_json::json;

use super::finding;
use crate::inspection::{Check, Finding, Severity, Situation, Touched};
use crate::render::words::bytes;

pub(super) struct DiskSpace;

/// A disk with less than a twentieth left is one that somebody has to look after.
const SCARCE: u64 = 20;

/// One file system.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Disk {
    id: u64,
    path: PathBuf,
    free: u64,
    size: u64,
}

impl Check for DiskSpace {
    fn name(&self) -> &'static str {
        "disk-space"
    }

    fn title(&self) -> &'static str {
        "room on the server's disks"
    }

    fn why(&self) -> &'static str {
        "a table that is rewritten is there twice until the commit, and once more in the write-ahead log; where its disk is \
         full the server stops"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let rows = situation.ask(
            "asking where the server keeps its data",
            "SELECT CASE WHEN pg_has_role('pg_read_all_settings', 'USAGE') THEN current_setting('data_directory') END, \
             inet_client_addr() IS NULL, (SELECT string_agg(pg_tablespace_location(oid), chr(10)) FROM pg_tablespace)",
        )?;
        let Some(row) = rows.first() else { return Ok(Vec::new()) };
        let need = need(situation.touched()?);
        let Some(folder) = row.get(0).map(Path::new) else {
            return Ok(vec![unknown("this role may not know where the server keeps its data", need)]);
        };
        let proven = is_this(folder, situation.identity.system.as_deref());
        // Without a proof: a socket is on this machine, unless a pooler stands behind it.
        if proven == Some(false) || proven.is_none() && (!row.flag(1) || situation.connection.is_pooled()?) {
            return Ok(vec![unknown("the server is on another machine, as far as this one can tell", need)]);
        }
        let spaces = row.text(2);
        let spaces = spaces.split('\n').filter(|path| !path.is_empty()).map(PathBuf::from);
        let mut disks: Vec<Disk> = Vec::new();
        for path in [folder.to_owned(), folder.join("pg_wal")].into_iter().chain(spaces) {
            if let Some(disk) = disk(&path).filter(|disk| !disks.iter().any(|known| known.id == disk.id)) {
                disks.push(disk);
            }
        }
        if disks.is_empty() {
            return Ok(vec![unknown("its data folder cannot be reached from here", need)]);
        }
        Ok(disks
            .iter()
            .enumerate()
            .map(|(index, disk)| judge(disk, if index == 0 { need } else { 0 }, proven))
            .collect())
    }
}

/// What a run may write anew at most: every table that is rewritten, updated or indexed once, and as much into the
/// write-ahead log.
fn need(touched: &Touched) -> u64 {
    let grows = touched.tables.iter().filter(|table| table.by.iter().any(|by| by.touch.grows));
    grows.map(|table| table.total * 2).sum()
}

/// Whether this folder is that of the server: its control file begins with the system identifier
/// (`ControlFileData` of pg_control.h). `None` where it may not be read.
fn is_this(folder: &Path, system: Option<&str>) -> Option<bool> {
    let system: u64 = system?.parse().ok()?;
    let path = folder.join("global/pg_control");
    match file::read(&path, 1 << 20) {
        Ok(bytes) => Some(bytes.first_chunk().copied().map(u64::from_ne_bytes) == Some(system)),
        Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => Some(false),
        Err(_) => None,
    }
}

fn disk(path: &Path) -> Option<Disk> {
    let of = statvfs(path).ok()?;
    // What is kept for root is not the server's.
    Some(Disk {
        id: of.f_fsid,
        path: path.to_owned(),
        free: of.f_bavail * of.f_frsize,
        size: of.f_blocks * of.f_frsize,
    })
}

fn judge(disk: &Disk, need: u64, proven: Option<bool>) -> Finding {
    let severity = if need > 0 && disk.free < need {
        Severity::Failure
    } else if disk.free < disk.size / SCARCE {
        Severity::Warning
    } else {
        Severity::Info
    };
    let needs = if need == 0 { String::new() } else { format!("; the run may write up to {}", bytes(need)) };
    let mut details = Vec::new();
    if proven.is_none() {
        details.push(
            "taken for the server's because of the socket: this user may not read its files".to_owned(),
        );
    }
    Finding {
        details,
        remedy: (severity > Severity::Info).then(|| {
            "make room first: a server whose disk is full stops, and recovers only with room".to_owned()
        }),
        ..finding(
            severity,
            format!(
                "{} of {} are free at {}{needs}",
                bytes(disk.free),
                bytes(disk.size),
                disk.path.display()
            ),
            json!({
                "path": disk.path.display().to_string(), "free_bytes": disk.free, "size_bytes": disk.size,
                "needed_bytes": need, "proven": proven == Some(true),
            }),
        )
    }
}

fn unknown(why: &str, need: u64) -> Finding {
    let needs = if need == 0 { String::new() } else { format!("; the run may write up to {}", bytes(need)) };
    Finding {
        remedy: Some("look there: df -h".to_owned()),
        ..finding(
            if need > 0 { Severity::Warning } else { Severity::Info },
            format!("how much room there is cannot be known: {why}{needs}"),
            json!({ "unknown": why, "needed_bytes": need }),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_does_not_fit_is_a_failure() {
        let disk = |free: u64| Disk { id: 1, path: "/data".into(), free: free << 30, size: 100 << 30 };
        for (free, need, severity) in [
            (50, 0, Severity::Info),
            (50, 49, Severity::Info),
            (50, 51, Severity::Failure),
            (4, 0, Severity::Warning),
            (4, 1, Severity::Warning),
        ] {
            assert_eq!(judge(&disk(free), need << 30, Some(true)).severity, severity, "{free} {need}");
        }
        assert_eq!(judge(&disk(50), 0, None).data["proven"], false);
    }

    #[test]
    fn a_folder_is_known_by_its_control_file() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(is_this(folder.path(), Some("7431")), Some(false));
        std::fs::create_dir(folder.path().join("global")).unwrap();
        std::fs::write(
            folder.path().join("global/pg_control"),
            [&7431_u64.to_ne_bytes()[..], &[0; 100]].concat(),
        )
        .unwrap();
        assert_eq!(is_this(folder.path(), Some("7431")), Some(true));
        assert_eq!(is_this(folder.path(), Some("7432")), Some(false));
        assert_eq!(is_this(folder.path(), None), None);
    }
}
