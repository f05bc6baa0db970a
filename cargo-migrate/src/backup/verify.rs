//! Whether a backup is good: read through, and, where that is asked for, restored and compared.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{Connection, Database, HistoryTable, Interrupt, quote_identifier};
use migrate_testing::{Binaries, ScratchServer, ScratchSettings, free_space};

use super::examine::{Damage, examine};
use super::load::{LoadOptions, MissingRoles, Watching, load_with};
use super::manifest::{Manifest, Scope, Verified};
use super::read;
use super::restore::create_like;
use super::room;
use super::store::Backup;
use crate::command::Call;
use crate::render::bytes;
use crate::{Problem, clock};

/// Where a backup is restored to be verified.
#[derive(Clone, Debug)]
pub(crate) enum Trial {
    /// Nowhere: it is read only.
    None,
    /// On a server of our own, in memory, of the version that the backup is from.
    Scratch,
    /// In a database of its own on a server that is given, dropped afterwards.
    Server(Box<Database>),
}

/// Checks a backup, and writes into its manifest that it is good.
///
/// # Errors
///
/// [`Problem::DamagedBackup`] and what [`verify_in`] returns.
pub(crate) fn verify(call: &Call, backup: &Backup, restore: bool) -> anyhow::Result<Verified> {
    verify_in(call, backup, &if restore { Trial::Scratch } else { Trial::None })
}

/// The same, restored where it is said.
///
/// # Errors
///
/// [`Problem::DamagedBackup`], [`Problem::LoadFailed`]; where there are no programs for it; where we are to stop.
pub(crate) fn verify_in(call: &Call, backup: &Backup, trial: &Trial) -> anyhow::Result<Verified> {
    let history = call.settings(None)?.history_table.value;
    let works = call.context.engine_works();
    let live = call.ui.live();
    let verifying = Verifying { backup, history: &history, interrupt: &call.context.interrupt };
    let verified = verifying.run(trial, &live);
    drop(works);
    call.ui.rest();
    verified
}

struct Verifying<'a> {
    backup: &'a Backup,
    history: &'a HistoryTable,
    interrupt: &'a Interrupt,
}

impl Verifying<'_> {
    fn run(&self, trial: &Trial, tell: &dyn Fn(&str)) -> anyhow::Result<Verified> {
        let backup = self.backup;
        if !matches!(trial, Trial::None) && backup.manifest.scope != Scope::Whole {
            return Err(Problem::Usage {
                what: format!(
                    "{} has a part of a database, which cannot be restored into an empty one",
                    backup.id()
                ),
                hint: "leave --restore out: its checksums and rows are checked all the same".to_owned(),
            }
            .into());
        }
        tell("comparing the checksums");
        examine(backup, self.interrupt)?;
        tell("reading it through");
        let rows = read::through(backup, self.interrupt)?;
        match trial {
            Trial::None => {}
            Trial::Scratch => {
                tell("starting a server to restore it on");
                let major = backup.manifest.server_major();
                let binaries = Some(Binaries::find(Some(major))?);
                let server = ScratchServer::start(ScratchSettings { binaries, ..Default::default() })?;
                check_room(&backup.manifest, server.folder())?;
                // The variables of libpq mean another server.
                let admin = Database::resolve(Some(&server.url("postgres")), &|_| None)?;
                tell("restoring it");
                let temporary = Temporary::make(&admin, backup, self.interrupt)?;
                self.restore(&temporary.database, MissingRoles::Create, &rows)?;
            }
            Trial::Server(database) => {
                tell("restoring it");
                let temporary = Temporary::make(database, backup, self.interrupt)?;
                self.restore(&temporary.database, MissingRoles::Refuse, &rows)?;
            }
        }
        self.write(!matches!(trial, Trial::None), &rows)
    }

    /// Restores it and compares what came of it.
    fn restore(
        &self,
        database: &Database,
        roles: MissingRoles,
        rows: &BTreeMap<String, u64>,
    ) -> anyhow::Result<()> {
        let options = LoadOptions { roles, ..LoadOptions::default() };
        load_with(self.interrupt, self.backup, database, &options, Watching::default())?;
        let connection = Connection::open(database, "cargo-migrate verify", self.interrupt)?;
        connection.rows("beginning to compare", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        let manifest = &self.backup.manifest;
        let different = |why: String| Damage::Restored { why }.problem(self.backup.id());
        for (table, expected) in rows {
            let sql = format!("SELECT pg_catalog.count(*) FROM ONLY {table}");
            let found = connection.value("counting rows", &sql)?.and_then(|rows| rows.parse::<u64>().ok());
            if found != Some(*expected) {
                let found = found.unwrap_or_default();
                return Err(different(format!("{table} has {found} rows, and had {expected}")).into());
            }
        }
        if let Some(expected) = &manifest.schema_digest {
            let options = SchemaOptions { history: Some(self.history.clone()), ..SchemaOptions::default() };
            let found = connection.schema_inside(&options)?.digest().to_string();
            if found != *expected {
                return Err(
                    different(format!("the digest of the schema is {found}, and was {expected}")).into()
                );
            }
        }
        Ok(())
    }

    fn write(&self, restored: bool, rows: &BTreeMap<String, u64>) -> anyhow::Result<Verified> {
        let mut backup = self.backup.clone();
        // Its files are the same as ever: what was shown by a restore once is shown.
        let restored = restored || backup.manifest.verified.as_ref().is_some_and(|before| before.restored);
        let verified = Verified { at: clock::iso(SystemTime::now()), restored };
        backup.manifest.verified = Some(verified.clone());
        backup.manifest.rows = rows.iter().map(|(table, rows)| (table.clone(), Some(*rows))).collect();
        backup.write().map_err(|error| match room::is_full(&error.source.to_string()) {
            true => anyhow::Error::from(Problem::NotRecorded {
                id: backup.id().to_owned(),
                folder: backup.folder.clone(),
                why: error.source.to_string(),
            }),
            false => error.into(),
        })?;
        Ok(verified)
    }
}

/// Refuses a backup that does not fit where the scratch server keeps its files.
fn check_room(manifest: &Manifest, folder: &Path) -> Result<(), Problem> {
    let room = free_space(folder).unwrap_or(u64::MAX);
    // What is restored has its write-ahead log beside it for a while.
    let needed = manifest.database_bytes.saturating_add(manifest.database_bytes / 4);
    if needed <= room {
        return Ok(());
    }
    Err(Problem::Usage {
        what: format!(
            "the scratch server has room for {} in {}, and the database takes {}",
            bytes(room),
            folder.display(),
            bytes(manifest.database_bytes)
        ),
        hint: "restore it on another server: --restore --server URL".to_owned(),
    })
}

/// A database that is dropped with this value.
struct Temporary {
    database: Database,
    admin: Database,
}

impl Temporary {
    fn make(admin: &Database, backup: &Backup, interrupt: &Interrupt) -> anyhow::Result<Self> {
        let name = format!("cargo_migrate_verify_{}_{}", clock::stamp(SystemTime::now()), std::process::id());
        let connection = Connection::open(admin, "cargo-migrate verify", interrupt)?;
        create_like(&connection, &name, backup.manifest.locale.as_ref())?;
        Ok(Self { database: admin.with_dbname(&name), admin: admin.clone() })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Also where we were asked to stop: it is ours, and nobody else knows of it.
        if let Ok(connection) = Connection::open(&self.admin, "cargo-migrate verify", &Interrupt::new()) {
            let name = quote_identifier(self.database.dbname());
            let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            let _ = connection.rows("dropping the database that it was restored into", &drop);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::manifest::tests::manifest;
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_before_it_is_restored() {
        let folder = tempfile::tempdir().unwrap();
        let mut manifest = manifest("backup-1");
        check_room(&manifest, folder.path()).unwrap();
        manifest.database_bytes = u64::MAX;
        let refused = check_room(&manifest, folder.path()).unwrap_err();
        assert!(refused.hint().contains("--server URL"), "{refused}");
    }
}
