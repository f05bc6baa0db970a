//! The folders that logs and backups go to: whether they can be written, by whom they can be read, and how much room is
//! left.

use std::path::Path;

use migrate_testing::free_space;
use rustix::fs::{Access, access};

use super::{Line, Section};
use crate::config::Settings;

/// Below that a log is soon at its end.
const ROOM_FOR_LOGS: u64 = 100 << 20;

/// A backup of a small database.
const ROOM_FOR_BACKUPS: u64 = 1 << 30;

pub(super) fn look(settings: &Settings) -> Vec<Line> {
    let mut section = Section::new("folders");
    folder(&mut section, "log-dir", &settings.log_dir.value, ROOM_FOR_LOGS);
    folder(&mut section, "backup-dir", &settings.backup_dir.value, ROOM_FOR_BACKUPS);
    section.lines
}

fn folder(section: &mut Section, name: &'static str, folder: &Path, room: u64) {
    // Where it is made when it is first needed, what is above it decides.
    let Some(there) = folder.ancestors().find(|above| above.symlink_metadata().is_ok()) else { return };
    let shown = folder.display();
    let elsewhere =
        format!("give the user who runs cargo migrate the right to write there, or another folder: --{name}");
    if !there.is_dir() {
        return section.fail(name, format!("{} is not a folder", there.display()), elsewhere);
    }
    if let Err(error) = access(there, Access::WRITE_OK | Access::EXEC_OK) {
        return section.fail(name, format!("{} cannot be written: {error}", there.display()), elsewhere);
    }
    let made = if there == folder { "" } else { ", made when it is first needed" };
    match free_space(there) {
        Some(free) if free < room => section.warn(
            name,
            format!("{shown}{made}: {} MB free", free >> 20),
            format!("make room there, or give it another folder: --{name}"),
        ),
        Some(free) => section.ok(name, format!("{shown}{made}: {} free", bytes(free))),
        None => section.ok(name, format!("{shown}{made}")),
    }
    if there == folder && others_may_enter(folder) {
        section.warn(
            name,
            format!("{shown} can be entered by other users of this machine"),
            format!("chmod 700 {shown}"),
        );
    }
}

fn bytes(bytes: u64) -> String {
    if bytes >= 10 << 30 { format!("{} GB", bytes >> 30) } else { format!("{} MB", bytes >> 20) }
}

#[cfg(unix)]
fn others_may_enter(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(folder).is_ok_and(|folder| folder.permissions().mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn others_may_enter(_: &Path) -> bool {
    false
}
