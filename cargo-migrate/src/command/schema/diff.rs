//! `schema diff`.

use clap::Args;
use glob::Pattern;
use migrate_runtime::schema::SchemaOptions;

use crate::command::call::{Answer, Call, Outcome};
use crate::pattern;
use crate::render::view::SchemaDiffView;
use crate::source::{self, Loader};

/// Compare two schemas: what has to change in A to make it B
///
/// Exits with 0 where they are the same, with 8 where they differ.
#[derive(Debug, Args)]
#[command(after_help = source::HELP)]
pub(super) struct Diff {
    /// A database, a folder, a git revision or a file: see below
    #[arg(value_name = "A")]
    from: String,

    /// The same
    #[arg(value_name = "B")]
    to: String,

    /// Leave out objects whose heading or name is like this, or parts of them (`public.orders.total`, `index public.orders.*`)
    #[arg(long, value_name = "PATTERN", value_parser = pattern::parse)]
    ignore: Vec<Pattern>,

    /// Compare who owns each object too
    #[arg(long)]
    owners: bool,

    /// Compare who may do what with each object too
    #[arg(long)]
    grants: bool,
}

impl Diff {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let options = SchemaOptions {
            owners: self.owners,
            grants: self.grants,
            history: Some(settings.history_table.value.clone()),
        };
        let loader = Loader::new(call, &settings, options);
        let sources = [loader.parse(&self.from)?, loader.parse(&self.to)?];
        let [from, to] = loader.both(&sources)?;
        let diff = pattern::ignore(from.schema.diff(&to.schema), &self.ignore);
        Answer::check(!diff.is_empty(), SchemaDiffView { from: from.label, to: to.label, diff })
    }
}
