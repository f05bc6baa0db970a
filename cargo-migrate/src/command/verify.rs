//! `verify`.

use clap::Args;

use super::call::{Call, Outcome};

/// Prove on a scratch database that every down undoes exactly its up
#[derive(Debug, Args)]
pub struct Verify {}

impl Verify {
    pub(super) fn run(&self, _call: &Call) -> Outcome {
        Err(anyhow::anyhow!("not built yet"))
    }
}
