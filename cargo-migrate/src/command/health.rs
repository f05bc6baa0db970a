//! `health`: one screen for monitoring.

use clap::Args;

use super::call::{Call, Outcome};
use crate::Problem;

/// Show the state of the history in one screen, for monitoring
#[derive(Debug, Args)]
pub struct Health {}

impl Health {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let _ = call;
        Err(Problem::Usage { what: "`health` is not built yet".to_owned(), hint: "wait for it".to_owned() }
            .into())
    }
}
