//! `rehearse`: the pending migrations on a copy of production.

use clap::Args;

use super::call::{Call, Outcome};
use crate::Problem;

/// Run the pending migrations on a copy made from a backup, and measure who would wait
#[derive(Debug, Args)]
pub struct Rehearse {}

impl Rehearse {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let _ = call;
        Err(Problem::Usage { what: "`rehearse` is not built yet".to_owned(), hint: "wait for it".to_owned() }
            .into())
    }
}
