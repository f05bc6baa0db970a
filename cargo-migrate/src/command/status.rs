//! `status`: where each migration stands.

use clap::Args;
use migrate_runtime::{Migrator, Repair, Status as Looked};

use super::call::{Answer, Call, Outcome};
use crate::config::Settings;
use crate::deploy::Past;
use crate::files;
use crate::health::{Changed, Runs};
use crate::render::view::{StatusMore, StatusView};

/// Show which migrations are applied and which are pending
///
/// Also tells of a deployment that has not ended, and what goes on with it.
///
/// With -v also the checksums, what about a modified file differs, and whether the schema was changed beside the migrations.
///
/// Reads only: it writes nothing, needs only SELECT on the history, and works on a standby.
#[derive(Debug, Args)]
pub struct Status {
    /// Exit with 8 where anything is pending, modified, missing or partly applied
    #[arg(long)]
    check: bool,
}

impl Status {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let set = files::read(&settings)?;
        let (migrator, _) = call.migrator(&settings, set, None)?;
        let status = migrator.status()?;
        let more = match call.ui.is_verbose() {
            true => Some(more(&settings, &migrator, &status)?),
            false => None,
        };
        let view = StatusView { status, unfinished: Past::read(&migrator)?, more };
        Answer::check(self.check && view.finds(), view)
    }
}

/// What `-v` tells beside the states.
fn more(settings: &Settings, migrator: &Migrator, status: &Looked) -> anyhow::Result<StatusMore> {
    let runs = Runs::read(migrator)?;
    let changed = Changed::look(settings, migrator, status, migrator.server_version()?, &runs)?;
    let modified = migrator.repair_plan()?.repairs.into_iter().filter_map(|repair| match repair {
        Repair::AcceptChecksum { stem, recorded, found, cosmetic } => Some((stem, recorded, found, cosmetic)),
        _ => None,
    });
    Ok(StatusMore { changed, modified: modified.collect() })
}
