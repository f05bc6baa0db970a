//! Loads the backup into the database of the rehearsal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use migrate_runtime::{Connection, Database, Interrupt};

use super::place::Place;
use super::run::Options;
use crate::backup::{self, Backup, LoadOptions, MissingRoles};
use crate::command::Call;
use crate::render::view::restoring;

/// Loads the backup; on a terminal it is told how far it is, by the size of the database.
pub(super) fn load(
    call: &Call,
    backup: &Backup,
    place: &Place,
    options: &Options,
) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let database = place.database();
    let roles = match place.is_own() {
        true => MissingRoles::Create,
        false => roles_of(database, backup, &call.context.interrupt)?,
    };
    let done = Arc::new(AtomicBool::new(false));
    let told = {
        let (done, database, live) = (Arc::clone(&done), database.clone(), call.ui.live());
        let (id, whole) = (backup.id().to_owned(), backup.manifest.database_bytes);
        live(&restoring(&id, 0, whole));
        std::thread::spawn(move || {
            let interrupt = Interrupt::new();
            let Ok(connection) = Connection::open(&database, "rehearsal: progress", &interrupt) else {
                return;
            };
            let sql = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())";
            while !done.load(Ordering::SeqCst) {
                let Ok(size) = connection.value("asking for the size of the database", sql) else { return };
                let size = size.and_then(|size| size.parse().ok()).unwrap_or_default();
                live(&restoring(&id, size, whole));
                std::thread::park_timeout(Duration::from_millis(300));
            }
        })
    };
    let options = LoadOptions { jobs: options.jobs, roles, ..LoadOptions::default() };
    let loaded = backup::load(call, backup, database, &options);
    done.store(true, Ordering::SeqCst);
    told.thread().unpark();
    let _ = told.join();
    call.ui.rest();
    loaded?;
    // What a table is expected to be like belongs to its data, and a backup has it not.
    let connection = Connection::open(database, "rehearsal", &call.context.interrupt)?;
    connection.rows("collecting statistics on the copy", "ANALYZE")?;
    Ok(began.elapsed())
}

/// On a server that was given, nobody's role is made: where one is missing, owners and grants are left out.
fn roles_of(database: &Database, backup: &Backup, interrupt: &Interrupt) -> anyhow::Result<MissingRoles> {
    let connection = Connection::open(database, "rehearsal", interrupt)?;
    let rows = connection.rows("looking for roles", "SELECT rolname FROM pg_catalog.pg_roles")?;
    let there = |role: &String| rows.iter().any(|row| row.get(0) == Some(role.as_str()));
    let all = backup.manifest.roles.iter().all(there);
    // Whoever may make a database may not hand tables to others.
    let own = "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user";
    let is_super = connection.value("asking for our own role", own)?.as_deref() == Some("t");
    Ok(if all && is_super { MissingRoles::Refuse } else { MissingRoles::LeaveOut })
}
