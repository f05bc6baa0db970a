//! `report show`.

use clap::Args;

use crate::Problem;
use crate::command::call::{Call, Outcome};

/// Show a report of an earlier run, the newest where none is named
#[derive(Debug, Args)]
pub struct Show {}

impl Show {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let _ = call;
        Err(Problem::Usage {
            what: "`report show` is not built yet".to_owned(),
            hint: "wait for it".to_owned(),
        }
        .into())
    }
}
