//! `preflight`: may a run begin?

use clap::Args;

use super::call::{Call, Outcome};
use crate::Problem;

/// Check a database before migrations are applied to it
///
/// Reads only. Exits with 1 where something would stop or endanger the run.
#[derive(Debug, Args)]
pub struct Preflight {}

impl Preflight {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let _ = call;
        Err(Problem::Usage {
            what: "`preflight` is not built yet".to_owned(),
            hint: "wait for it".to_owned(),
        }
        .into())
    }
}
