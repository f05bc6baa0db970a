//! What a deployment would do. Reads only, the database and files alike, and writes neither.

use migrate_core::{Goal, Set};
use migrate_runtime::migrator::DryRun;
use migrate_runtime::{Connection, Error as EngineError};

use super::begin::{check_way_back, way};
use super::{OnFailure, Options, Past, Plan};
use crate::command::Call;
use crate::config::Settings;
use crate::inspection::{Examined, Pending, Situation};
use crate::preflight::CHECKS;

/// What a deployment would do.
pub(crate) struct Preview {
    /// Where the database is, without a password.
    pub(crate) database: String,
    /// `pg_database_size`; `None` where we may not know.
    pub(crate) bytes: Option<u64>,
    /// The deployment that it would go on with.
    pub(crate) past: Option<Past>,
    /// What is not as that one has it: it would be refused, or given up where nothing of it is applied.
    pub(crate) differences: Vec<String>,
    /// What is pending, in order.
    pub(crate) pending: Vec<String>,
    /// The SQL of the run; `None` where a partly applied migration is to be finished first, which is decided then.
    pub(crate) run: Option<DryRun>,
    /// What a preflight finds now.
    pub(crate) examined: Vec<Examined>,
    /// The backup that would be taken instead of making one.
    pub(crate) backup: Option<String>,
    /// Why none would be made.
    pub(crate) skip_backup: Option<String>,
    /// Why findings would not stop it.
    pub(crate) force: Option<String>,
    pub(crate) on_failure: OnFailure,
}

/// Looks at all that a deployment would begin with.
///
/// # Errors
///
/// What would stand in its way before its first step.
pub(crate) fn dry_run(
    call: &Call,
    settings: &Settings,
    set: &Set,
    options: &Options<'_>,
) -> anyhow::Result<Preview> {
    let (migrator, name) = call.migrator(settings, set.clone(), None)?;
    let _works = call.context.engine_works();
    let connection =
        Connection::open(&call.database(settings)?, "cargo-migrate: deploy", &call.context.interrupt)?;
    let past = Past::read(&migrator)?.filter(|_| options.abandon.is_none());
    let run = match migrator.dry_run(Goal::UpAll) {
        Ok(run) => Some(run),
        Err(EngineError::Dirty { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let status = migrator.status()?;
    let pending = Pending::of(set, &status);
    let differences = past.as_ref().map(|past| past.plan.fit(set, &status).differences).unwrap_or_default();
    let on_failure = match &past {
        Some(past) => way(past, options),
        None => options.on_failure.unwrap_or_default(),
    };
    let situation = Situation::look(settings, set, &migrator, &connection)?;
    let mut examined = Vec::new();
    if !pending.migrations().is_empty() {
        check_way_back(call, settings, set, &Plan::of(&pending, on_failure), options)?;
        for check in CHECKS {
            examined.push(check.examine(&situation)?);
        }
    }
    let size = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())";
    let bytes = connection.value("asking for the size of the database", size);
    Ok(Preview {
        database: name,
        bytes: bytes.ok().flatten().and_then(|bytes| bytes.parse().ok()),
        past,
        differences: differences.iter().map(ToString::to_string).collect(),
        pending: pending.migrations().iter().map(|migration| migration.stem.to_string()).collect(),
        run,
        examined,
        backup: options.said.backup.clone(),
        skip_backup: options.said.skip_backup.clone(),
        force: options.said.force.clone(),
        on_failure,
    })
}
