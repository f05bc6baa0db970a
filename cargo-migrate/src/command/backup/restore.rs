//! `backup restore`.

use clap::Args;

use crate::Problem;
use crate::command::call::{Call, Outcome};

/// Restore a backup into a new database, and with --swap put it in the place of the old one
#[derive(Debug, Args)]
pub struct Restore {}

impl Restore {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let _ = call;
        Err(Problem::Usage {
            what: "`backup restore` is not built yet".to_owned(),
            hint: "wait for it".to_owned(),
        }
        .into())
    }
}
