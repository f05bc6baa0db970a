//! `schema validate`.

use std::path::PathBuf;

use clap::Args;
use migrate_core::{Schema, Set, file, folder, schema, text};
use migrate_runtime::Error as EngineError;

use crate::Problem;
use crate::command::call::{Answer, Call, Outcome};
use crate::render::view::ValidView;

/// Check that a database has the schema that the application needs
///
/// That is the one in `schema.sql.snap` beside the migrations, which `cargo migrate verify --record` writes. A table, column,
/// type, constraint, index or function that is missing or different is named; what the database has beyond it is fine,
/// but for a column that would have to be given a value. Owners, grants, comments and the order of columns do not
/// matter. Exits with 8 where something is missing or different. An application checks the same as it starts with
/// `embedded::check_schema()`.
#[derive(Debug, Args)]
pub(super) struct Validate {
    /// Another file with a snapshot
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
}

impl Validate {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let path = match &self.schema {
            Some(path) => call.context.cwd.join(path),
            None => settings.dir.value.join(schema::FILE_NAME),
        };
        let needed = read(path)?;
        let (migrator, database) = call.migrator(&settings, Set::new("", Vec::new()), None)?;
        match migrator.check_schema(&needed) {
            Ok(()) => Answer::check(false, ValidView { database, unmet: Vec::new() }),
            Err(EngineError::SchemaUnfit { unmet, .. }) => Answer::check(true, ValidView { database, unmet }),
            Err(error) => Err(error.into()),
        }
    }
}

fn read(path: PathBuf) -> anyhow::Result<Schema> {
    let bytes = match file::read(&path, folder::MAX_FILE_BYTES) {
        Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => {
            return Err(Problem::NoSnapshot { path }.into());
        }
        read => read?,
    };
    let read = text::normalise(&bytes).map_err(|error| error.to_string());
    let schema = read.and_then(|text| Schema::parse(&text).map_err(|error| error.to_string()));
    Ok(schema.map_err(|why| Problem::BadSnapshot { path, why })?)
}
