//! `backup verify`.

use clap::Args;

use crate::Problem;
use crate::command::call::{Call, Outcome};

/// Check that a backup is whole, and with --restore that it can be restored
#[derive(Debug, Args)]
pub struct Verify {}

impl Verify {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let _ = call;
        Err(Problem::Usage {
            what: "`backup verify` is not built yet".to_owned(),
            hint: "wait for it".to_owned(),
        }
        .into())
    }
}
