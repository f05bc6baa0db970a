//! How a database stands, for whoever watches over it: asked with a few cheap questions, nothing written.

mod changed;
mod last_run;
mod server;

use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use migrate_core::State;
use migrate_runtime::{Connection, Error as EngineError, Migrator, Status};

pub(crate) use changed::{Changed, full, note_schema};
pub(crate) use last_run::{LastRun, Runs};
pub(crate) use server::Server;

use crate::backup::{Store, Whose};
use crate::config::Settings;
use crate::deploy::Past;
use crate::inspection::Identity;
use crate::records::reports;

/// How a database stands.
pub(crate) struct Health {
    /// For people, without the password.
    pub(crate) database: String,
    pub(crate) environment: Option<String>,
    pub(crate) server: Server,
    pub(crate) status: Status,
    /// Whether it was changed beside its migrations.
    pub(crate) changed: Changed,
    pub(crate) last_run: Option<LastRun>,
    /// The deployment that has not ended, where there is one.
    pub(crate) unfinished: Option<Past>,
    pub(crate) backup: Option<LastBackup>,
    pub(crate) preflight: Option<LastPreflight>,
}

/// The newest backup of this database on this machine.
pub(crate) struct LastBackup {
    pub(crate) id: String,
    /// ISO 8601.
    pub(crate) at: String,
    pub(crate) age: Option<Duration>,
    /// `read`, `restored`; `None` where nobody looked at it since.
    pub(crate) verified: Option<&'static str>,
}

/// The newest preflight of this database on this machine.
pub(crate) struct LastPreflight {
    pub(crate) id: String,
    /// ISO 8601.
    pub(crate) at: String,
    pub(crate) age: Option<Duration>,
    pub(crate) passed: Option<bool>,
}

impl Health {
    /// Asks. `changed` has looked for changes in full already, where that was asked for.
    ///
    /// # Errors
    ///
    /// Where the server cannot be reached, or the history not be read.
    pub(crate) fn look(
        settings: &Settings,
        migrator: &Migrator,
        connection: &Connection,
        connected: Duration,
        changed: Option<Changed>,
    ) -> anyhow::Result<Self> {
        let status = migrator.status()?;
        let server = Server::ask(connection, connected)?;
        let runs = Runs::read(migrator)?;
        let changed = match changed {
            Some(changed) => changed,
            None => Changed::look(settings, migrator, &status, server.version, &runs)?,
        };
        let database = status.database.clone();
        Ok(Self {
            environment: settings.environment_name(),
            backup: last_backup(settings, connection)?,
            preflight: last_preflight(&settings.log_dir.value, &database),
            database,
            server,
            status,
            changed,
            last_run: runs.last,
            unfinished: Past::read(migrator)?,
        })
    }

    /// What needs a person, most pressing first, as JSON names it.
    pub(crate) fn attention(&self) -> Vec<&'static str> {
        let mut found = Vec::new();
        for (state, name) in STATES {
            if self.count(state) > 0 {
                found.push(name);
            }
        }
        if let Changed::Found { .. } = self.changed {
            found.push("drift");
        }
        if self.last_run.as_ref().is_some_and(|run| run.outcome == "failed") {
            found.push("last_run_failed");
        }
        if self.unfinished.is_some() {
            found.push("unfinished_deployment");
        }
        found
    }

    /// How many migrations are in this state.
    pub(crate) fn count(&self, state: State) -> usize {
        self.status.entries.iter().filter(|entry| entry.state == state).count()
    }
}

/// What is neither applied nor newer, most pressing first.
const STATES: [(State, &str); 9] = [
    (State::Dirty, "dirty"),
    (State::Modified, "modified"),
    (State::BadChecksum, "bad_checksum"),
    (State::Duplicate, "duplicate"),
    (State::BadVersion, "bad_version"),
    (State::Renamed, "renamed"),
    (State::Missing, "missing"),
    (State::OutOfOrder, "out_of_order"),
    (State::Pending, "pending"),
];

/// Where the backup folder cannot be read there is none that helps here.
fn last_backup(settings: &Settings, connection: &Connection) -> Result<Option<LastBackup>, EngineError> {
    let Ok(backups) = Store::open(settings).list() else { return Ok(None) };
    if backups.is_empty() {
        return Ok(None);
    }
    let here = Whose::of(settings).with(&Identity::of(connection)?);
    let ours = backups.into_iter().find(|backup| here.owns(&backup.manifest));
    Ok(ours.map(|backup| LastBackup {
        age: age(&backup.manifest.taken_at),
        verified: backup
            .manifest
            .verified
            .map(|verified| if verified.restored { "restored" } else { "read" }),
        id: backup.manifest.id,
        at: backup.manifest.taken_at,
    }))
}

fn last_preflight(log_dir: &Path, database: &str) -> Option<LastPreflight> {
    let reports = reports(log_dir, Some("preflight")).ok()?;
    reports.into_iter().find_map(|report| {
        let content = report.read().ok()?;
        let of = |name: &str| content.get(name).and_then(|value| value.as_str());
        (of("database") == Some(database)).then(|| LastPreflight {
            at: of("at").unwrap_or_default().to_owned(),
            age: of("at").and_then(age),
            passed: content.get("result").and_then(|result| result["passed"].as_bool()),
            id: report.id.clone(),
        })
    })
}

/// How long ago that was, by this machine's clock.
pub(crate) fn age(at: &str) -> Option<Duration> {
    let at: Timestamp = at.parse().ok()?;
    SystemTime::now().duration_since(SystemTime::from(at)).ok()
}
