//! `health`: one screen for monitoring.

use std::time::Instant;

use clap::Args;
use migrate_runtime::Connection;

use super::call::{Answer, Call, Outcome};
use crate::files;
use crate::health::{self, Health as Looked};
use crate::render::view::HealthView;

/// Show how a database stands in one screen, or one document, for whoever watches over it
///
/// The history, whether the schema was changed beside it, the last run, backup and preflight, the longest transaction, and
/// how fast the server answers. Reads only, needs only SELECT on the history, and works on a standby. Exits with 0 where
/// all is well, 8 where something needs a person, 6 where the server cannot be reached.
#[derive(Debug, Args)]
pub struct Health {
    /// Look for changes beside the migrations in full: what they make is made on a scratch database and compared
    #[arg(long)]
    drift: bool,
}

impl Health {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let set = files::read(&settings)?;
        let (migrator, _) = call.migrator(&settings, set.clone(), None)?;
        let database = call.database(&settings)?;
        let began = Instant::now();
        let connection = Connection::open(&database, "cargo-migrate: health", &call.context.interrupt)?;
        let connected = began.elapsed();
        let changed = match self.drift {
            true => Some(health::full(call, &settings, &set, &migrator)?),
            false => None,
        };
        let health = Looked::look(&settings, &migrator, &connection, connected, changed)?;
        Answer::check(!health.attention().is_empty(), HealthView(health))
    }
}
