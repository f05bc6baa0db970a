//! `preflight`: may a run begin?

use std::time::Duration;

use clap::Args;

use super::call::{Answer, Call, Outcome};
use crate::args::duration;
use crate::files;
use crate::inspection::Limits;
use crate::preflight::{self, Allow, Options};
use crate::render::view::{PreflightView, preflight_exit};

/// Check a database before migrations are applied to it
///
/// Looks for what would stop the pending migrations or endanger the database: old transactions and locks on the tables
/// that they need, missing privileges, a history that does not fit, a full disk, a standby. Each finding says why it
/// matters and what to do. Reads only, waits for no lock, and needs no privilege beyond CONNECT; what this role may not
/// see is said.
///
/// Exits with 1 where anything is a failure. A pass leaves a marker in the log folder, which `up` and `deploy` ask for in
/// a protected environment: it is good for this database and these pending migrations, for 15 minutes
/// (`preflight-max-age`). The report is kept there too.
#[derive(Debug, Args)]
pub struct Preflight {
    /// From what age on a transaction is told: 30s, 5min
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    max_transaction_age: Duration,

    /// Make a warning of a check's failures, for a reason that the marker and the audit log keep; can be repeated
    #[arg(long, value_name = "CHECK=REASON")]
    allow: Vec<Allow>,
}

impl Preflight {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let set = files::read_as_locked(&settings)?;
        let limits = Limits { transaction_age: self.max_transaction_age };
        let options = Options { limits, allow: self.allow.clone() };
        let report = preflight::run(call, &settings, &set, &options)?;
        let exit = preflight_exit(&report);
        Ok(Answer { view: Box::new(PreflightView { report, verbose: call.ui.is_verbose() }), exit })
    }
}
