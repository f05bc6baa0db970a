//! `schema`: print it.

use clap::Args;
use glob::Pattern;
use migrate_core::Set;
use migrate_runtime::schema::SchemaOptions;

use crate::command::call::{Answer, Call, Outcome};
use crate::pattern;
use crate::render::view::{SchemaDigestView, SchemaView};

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Print the SHA-256 of the text, which the server computes where nothing is left out of it
    #[arg(long)]
    digest: bool,

    /// Only objects whose heading (`table public.orders`) or name (`public.orders`) is like this; `*` is any text
    #[arg(long, value_name = "PATTERN", value_parser = pattern::parse)]
    only: Vec<Pattern>,

    /// No objects whose heading or name is like this
    #[arg(long, value_name = "PATTERN", value_parser = pattern::parse)]
    exclude: Vec<Pattern>,

    /// Only objects of this kind: table, view, function, …
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,

    /// Leave out who owns each object
    #[arg(long)]
    no_owners: bool,

    /// Leave out who may do what with each object
    #[arg(long)]
    no_grants: bool,
}

impl Show {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let (migrator, database) = call.migrator(&settings, Set::new("", Vec::new()), None)?;
        let options = SchemaOptions {
            owners: !self.no_owners,
            grants: !self.no_grants,
            history: Some(settings.history_table.value.clone()),
        };
        let chosen = !self.only.is_empty() || !self.exclude.is_empty() || !self.kind.is_empty();
        if self.digest && !chosen {
            return Answer::ok(SchemaDigestView { database, digest: migrator.schema_digest(&options)? });
        }
        let mut schema = migrator.schema(&options)?;
        if chosen {
            schema = pattern::choose(&schema, &self.only, &self.exclude, &self.kind);
        }
        if self.digest {
            return Answer::ok(SchemaDigestView { database, digest: schema.digest() });
        }
        let terminal = call.context.stdout.terminal().is_some();
        Answer::ok(SchemaView { database, schema, terminal })
    }
}
