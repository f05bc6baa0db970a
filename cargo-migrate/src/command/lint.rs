//! `lint`.

use clap::Args;

use super::call::{Call, Outcome};

/// Check the text of migrations against rules about locks, rewrites and lost data
#[derive(Debug, Args)]
pub struct Lint {}

impl Lint {
    pub(super) fn run(&self, _call: &Call) -> Outcome {
        Err(anyhow::anyhow!("not built yet"))
    }
}
