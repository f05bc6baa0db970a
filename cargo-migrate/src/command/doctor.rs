//! `doctor`: can this machine do its work?

use clap::Args;

use super::call::{Call, Outcome};
use crate::Problem;

/// Check programs, connection, privileges and configuration
#[derive(Debug, Args)]
pub struct Doctor {}

impl Doctor {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let _ = call;
        Err(Problem::Usage { what: "`doctor` is not built yet".to_owned(), hint: "wait for it".to_owned() }
            .into())
    }
}
