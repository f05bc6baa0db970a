//! `backup prune`.

use clap::Args;

use crate::Problem;
use crate::command::call::{Call, Outcome};

/// Remove old backups, but never the newest verified one
#[derive(Debug, Args)]
pub struct Prune {}

impl Prune {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let _ = call;
        Err(Problem::Usage {
            what: "`backup prune` is not built yet".to_owned(),
            hint: "wait for it".to_owned(),
        }
        .into())
    }
}
