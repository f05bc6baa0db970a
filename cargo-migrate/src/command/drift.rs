//! `drift`.

use clap::Args;

use super::call::{Call, Outcome};

/// Compare a database with what its applied migrations make
#[derive(Debug, Args)]
pub struct Drift {}

impl Drift {
    pub(super) fn run(&self, _call: &Call) -> Outcome {
        Err(anyhow::anyhow!("not built yet"))
    }
}
