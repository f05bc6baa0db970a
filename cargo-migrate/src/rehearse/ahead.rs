//! What is known before a server is started and a backup loaded: which backup, what is pending by its history, and what
//! would refuse a run anyway.

use migrate_core::{Direction, Goal, Migration, Mode, Policy, Row, Set};
use migrate_runtime::Error as EngineError;
use migrate_runtime::event::PlannedStep;
use migrate_testing::ClientPrograms;

use super::report::Copied;
use crate::Problem;
use crate::backup::{Backup, Manifest, Scope, Store, Whose};
use crate::config::Settings;

/// The backup that is meant.
pub(super) fn choose(settings: &Settings, wanted: Option<&str>) -> anyhow::Result<Backup> {
    let store = Store::open(settings);
    let whose = Whose::of(settings);
    if let Some(name) = wanted {
        let backup = store.find(name, &whose)?;
        return match backup.manifest.scope {
            Scope::Whole => Ok(backup),
            _ => Err(Problem::Usage {
                what: format!("{} is a backup of some tables, not of the database", backup.id()),
                hint: "migrations are rehearsed on a whole database: `cargo migrate backup create`"
                    .to_owned(),
            }
            .into()),
        };
    }
    let environment = settings.environment_name();
    let fits = |backup: &&Backup| {
        let manifest = &backup.manifest;
        whose.owns(manifest) && manifest.scope == Scope::Whole && manifest.verified.is_some()
    };
    let found = store.list()?.iter().find(fits).cloned();
    found.ok_or_else(|| {
        let env = environment.as_ref().map_or_else(String::new, |name| format!(" --env {name}"));
        let of = environment.as_ref().map_or_else(String::new, |name| format!(" of `{name}`"));
        anyhow::Error::from(Problem::Usage {
            what: format!(
                "there is no verified backup{of} of a whole database in {}",
                settings.backup_dir.value.display()
            ),
            hint: format!(
                "make one and verify it: `cargo migrate{env} backup create`, `cargo migrate{env} backup verify latest`; \
                 or name one that was not verified with --backup"
            ),
        })
    })
}

/// Whether the history in the backup leaves anything to do. The copy is asked again: what is said here is what would be
/// said there, only sooner.
///
/// # Errors
///
/// What the run would be refused for: a history that does not fit the folder, a pending migration without the record that
/// `prove` wants.
pub(super) fn is_pending(settings: &Settings, set: &Set, manifest: &Manifest) -> Result<bool, EngineError> {
    let rows = manifest.history.iter().map(|recorded| Row {
        version: recorded.stem.clone(),
        applied_at: String::new(),
        checksum: recorded.checksum.clone(),
        dirty: recorded.dirty,
    });
    let rows: Vec<_> = rows.collect();
    let policy = Policy {
        newer: settings.newer.as_ref().map(|newer| newer.value).unwrap_or_default(),
        ..Policy::default()
    };
    let plan = migrate_core::plan::plan(set, &rows, Goal::UpAll, &policy)?;
    if settings.prove.value {
        let unrecorded = plan.steps.iter().filter(|step| !step.is_recovery());
        let unrecorded = unrecorded.filter_map(|step| step.migration.filter(|one| one.up.change.is_none()));
        let steps: Vec<_> = unrecorded.map(planned).collect();
        if !steps.is_empty() {
            return Err(EngineError::NotRecorded { steps });
        }
    }
    Ok(!plan.steps.is_empty())
}

fn planned(migration: &Migration) -> PlannedStep {
    PlannedStep {
        stem: migration.stem.to_string(),
        direction: Direction::Up,
        transactional: migration.up.mode == Mode::Transactional,
    }
}

/// Looks for the programs that load the backup into a server of this major version; of a server of ours that is the
/// backup's own, where it can be had.
///
/// # Errors
///
/// Where there are none, with every place that was looked at.
pub(super) fn programs(manifest: &Manifest, server_major: u32) -> Result<(), migrate_testing::Error> {
    let needed = manifest.pg_dump_major().unwrap_or_default().max(server_major);
    ClientPrograms::find(needed).map(drop)
}

impl Copied {
    pub(super) fn of(backup: &Backup) -> Self {
        let manifest = &backup.manifest;
        Self {
            id: manifest.id.clone(),
            environment: manifest.environment.clone(),
            taken_at: manifest.taken_at.clone(),
            database_bytes: manifest.database_bytes,
            verified: manifest.verified.is_some(),
        }
    }
}
