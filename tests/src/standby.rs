//! A copy of a running server's files, from which a standby starts: with the server's own functions (the manual's "Making a
//! Base Backup Using the Low Level API"), so that it works for every version. pg_basebackup is for servers of its own
//! version and older ones, and the packages of other versions have none.

use std::io::ErrorKind;
use std::path::Path;

use migrate_testing::ServerUser;
use postgres::Client;

/// What a copy must not have, or has no use for: of the running server, and of its slots.
const LEFT_OUT: [&str; 8] = [
    "postmaster.pid",
    "postmaster.opts",
    "pg_wal",
    "pg_replslot",
    "pg_dynshmem",
    "pg_notify",
    "pg_stat_tmp",
    "pg_subtrans",
];

/// Copies the data folder of the server that `admin` is connected to, as one that will follow `primary_conninfo`.
///
/// # Panics
///
/// Where that fails.
pub(crate) fn copy(admin: &mut Client, user: &ServerUser, from: &Path, to: &Path, primary_conninfo: &str) {
    let version = crate::wait::answer(admin, "SHOW server_version_num").parse::<u32>().unwrap();
    let (start, stop) = match version >= 150_000 {
        true => ("pg_backup_start('standby', true)", "pg_backup_stop(false)"),
        false => ("pg_start_backup('standby', true, false)", "pg_stop_backup(false, false)"),
    };
    crate::wait::answer(admin, &format!("SELECT {start}"));
    folder(user, from, to, &LEFT_OUT);
    let label: String = admin.query_one(&format!("SELECT labelfile FROM {stop}"), &[]).unwrap().get(0);
    // Nothing archives it: what was written meanwhile is taken from where it was written.
    folder(user, &from.join("pg_wal"), &to.join("pg_wal"), &[]);
    for name in LEFT_OUT.iter().filter(|name| from.join(name).is_dir() && !to.join(name).exists()) {
        user.private_folder(&to.join(name)).unwrap();
    }
    file(user, &to.join("backup_label"), label.as_bytes());
    file(user, &to.join("standby.signal"), b"");
    let auto = to.join("postgresql.auto.conf");
    let quoted = primary_conninfo.replace('\'', "''");
    let text = std::fs::read_to_string(&auto).unwrap_or_default();
    file(user, &auto, format!("{text}primary_conninfo = '{quoted}'\n").as_bytes());
}

/// A file that is gone when its turn comes was one that the backup does not need.
fn folder(user: &ServerUser, from: &Path, to: &Path, left_out: &[&str]) {
    user.private_folder(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (entry, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if left_out.iter().any(|other| name == *other) {
            continue;
        }
        let to = to.join(name);
        match entry.is_dir() {
            true => folder(user, &entry, &to, &[]),
            false => match std::fs::read(&entry) {
                Ok(bytes) => file(user, &to, &bytes),
                Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{}: {error}", entry.display()),
            },
        }
    }
}

fn file(user: &ServerUser, path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
    user.own(path).unwrap();
}
