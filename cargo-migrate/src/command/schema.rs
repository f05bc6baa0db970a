//! `schema`.

use clap::Args;

use super::call::{Call, Outcome};

/// Show the schema of a database as canonical text
#[derive(Debug, Args)]
pub struct Schema {}

impl Schema {
    pub(super) fn run(&self, _call: &Call) -> Outcome {
        Err(anyhow::anyhow!("not built yet"))
    }
}
