//! `backup list`.

use clap::Args;

use crate::Problem;
use crate::command::call::{Call, Outcome};

/// List the backups
#[derive(Debug, Args)]
pub struct List {}

impl List {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let _ = call;
        Err(Problem::Usage {
            what: "`backup list` is not built yet".to_owned(),
            hint: "wait for it".to_owned(),
        }
        .into())
    }
}
