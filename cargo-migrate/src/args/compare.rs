//! What counts where two schemas are compared.

use clap::Args;
use glob::Pattern;
use migrate_runtime::HistoryTable;
use migrate_runtime::schema::SchemaOptions;

use crate::pattern;

/// What counts where two schemas are compared.
#[derive(Clone, Debug, Args)]
pub struct Compare {
    /// Leave out objects whose heading or name is like this, or parts of them (`public.orders.total`, `index public.orders.*`)
    #[arg(long, value_name = "PATTERN", value_parser = pattern::parse)]
    pub ignore: Vec<Pattern>,

    /// Compare who owns each object too
    #[arg(long)]
    pub owners: bool,

    /// Compare who may do what with each object too
    #[arg(long)]
    pub grants: bool,
}

impl Compare {
    /// What is read of each of them.
    pub(crate) fn options(&self, history: &HistoryTable) -> SchemaOptions {
        SchemaOptions { owners: self.owners, grants: self.grants, history: Some(history.clone()) }
    }
}
