//! `postflight`: is everything as it should be after a run?

use clap::Args;

use super::call::{Call, Outcome};
use crate::Problem;

/// Check a database after migrations were applied to it
///
/// Exits with 3 where something is not as it should be.
#[derive(Debug, Args)]
pub struct Postflight {}

impl Postflight {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let _ = call;
        Err(Problem::Usage {
            what: "`postflight` is not built yet".to_owned(),
            hint: "wait for it".to_owned(),
        }
        .into())
    }
}
