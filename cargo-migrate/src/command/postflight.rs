//! `postflight`: is everything as it should be after a run?

use clap::Args;

use super::call::{Answer, Call, Outcome};
use crate::files;
use crate::postflight::{self, Options};
use crate::render::view::{PostflightView, postflight_exit as exit};

/// Check a database after migrations were applied to it
///
/// Exits with 3 where something is not as it should be: a history that is dirty or was changed by hand, a schema that is not
/// what the applied migrations make, invalid indexes, constraints that nobody validated, a check script that finds rows,
/// sequences near their end, locks that a killed runner still holds. Missing statistics, bloat and standbys that fell behind are warnings. Each finding comes with
/// the statement to type. Writes nothing to the database without --analyze, and its report into the log folder.
#[derive(Debug, Args)]
pub struct Postflight {
    /// Leave out the comparison with what the applied migrations make, which may need a PostgreSQL on this machine
    #[arg(long)]
    no_drift: bool,

    /// Run the checks of all applied migrations, not only of those that the last run applied
    #[arg(long)]
    all_checks: bool,

    /// Run ANALYZE on the tables that lack statistics, and on no other
    #[arg(long)]
    analyze: bool,
}

impl Postflight {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let set = files::read(&settings)?;
        let options = Options {
            no_drift: self.no_drift,
            all_checks: self.all_checks,
            analyze: self.analyze,
            deployment: None,
        };
        let report = postflight::run(call, &settings, &set, options)?;
        let exit = exit(&report);
        Ok(Answer { view: Box::new(PostflightView { report, verbose: call.ui.is_verbose() }), exit })
    }
}
