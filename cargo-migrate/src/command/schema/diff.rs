//! `schema diff`.

use clap::Args;

use crate::args::Compare;
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

    #[command(flatten)]
    compare: Compare,
}

impl Diff {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let options = self.compare.options(&settings.history_table.value);
        let loader = Loader::new(call, &settings, options);
        let sources = [loader.parse(&self.from)?, loader.parse(&self.to)?];
        let [from, to] = loader.both(&sources)?;
        let (from_database, to_database) = (sources[0].is_database(), sources[1].is_database());
        let history = &settings.history_table.value;
        let diff = match from.schema.diff(&to.schema) {
            diff if from_database == to_database => diff,
            diff if to_database => history.without_schema(diff),
            diff => history.without_schema(diff.reversed()).reversed(),
        };
        let diff = pattern::ignore(diff, &self.compare.ignore);
        Answer::check(!diff.is_empty(), SchemaDiffView { from: from.label, to: to.label, diff })
    }
}
