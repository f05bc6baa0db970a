//! `ci`.

use clap::Args;

use super::call::{Call, Outcome};

/// Write a workflow that verifies migrations in CI
#[derive(Debug, Args)]
pub struct Ci {}

impl Ci {
    pub(super) fn run(&self, _call: &Call) -> Outcome {
        Err(anyhow::anyhow!("not built yet"))
    }
}
