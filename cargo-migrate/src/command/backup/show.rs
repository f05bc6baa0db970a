//! `backup show`.

use clap::Args;

use crate::Problem;
use crate::command::call::{Call, Outcome};

/// Show the manifest of a backup
#[derive(Debug, Args)]
pub struct Show {}

impl Show {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let _ = call;
        Err(Problem::Usage {
            what: "`backup show` is not built yet".to_owned(),
            hint: "wait for it".to_owned(),
        }
        .into())
    }
}
