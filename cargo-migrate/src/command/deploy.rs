//! `deploy`: the whole production run.

use clap::Args;

use super::call::{Call, Outcome};
use crate::Problem;

/// Run preflight, backup, up and postflight as one plan that can be taken up again
#[derive(Debug, Args)]
pub struct Deploy {}

impl Deploy {
    /// What it shows without doing it is not recorded.
    pub(crate) fn is_recorded(&self) -> bool {
        true
    }

    pub(super) fn run(&self, call: &Call) -> Outcome {
        let _ = call;
        Err(Problem::Usage { what: "`deploy` is not built yet".to_owned(), hint: "wait for it".to_owned() }
            .into())
    }
}
