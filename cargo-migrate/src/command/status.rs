//! `status`: where each migration stands.

use clap::Args;

use super::call::{Answer, Call, Outcome};
use crate::files;
use crate::render::view::StatusView;

/// Show which migrations are applied and which are pending
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
        let view = StatusView(migrator.status()?);
        Answer::check(self.check && view.finds(), view)
    }
}
