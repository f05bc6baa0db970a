//! `backup create`.

use clap::Args;

use crate::Problem;
use crate::command::call::{Call, Outcome};

/// Back a database up
#[derive(Debug, Args)]
pub struct Create {}

impl Create {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let _ = call;
        Err(Problem::Usage {
            what: "`backup create` is not built yet".to_owned(),
            hint: "wait for it".to_owned(),
        }
        .into())
    }
}
