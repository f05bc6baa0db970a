//! `backup create`.

use std::num::NonZeroUsize;
use std::time::SystemTime;

use clap::Args;
use migrate_core::Set;

use crate::backup::{self, CreateOptions, Format, Rule, Store, Whose, Wish};
use crate::command::call::{Answer, Call, Outcome};
use crate::config::Settings;
use crate::files;
use crate::inspection::Pending;
use crate::render::view::BackupView;
use crate::risk::Touched;

/// Back a database up
///
/// pg_dump copies one moment of the database; the digest of the schema and the state of the history are of the same moment. Readers and writers go on, and only changes of tables' definitions wait. The backup appears under
/// its name in the backup folder when all of it is on the disk; a run that fails or is interrupted leaves nothing behind.
///
/// pg_dump is looked for in a version that is not older than the server, and installed into the user's cache with pip where
/// there is none.
#[derive(Debug, Args)]
pub struct Create {
    /// How it is written: `plain` is SQL for `zcat | psql`, `custom` and `directory` are for pg_restore
    #[arg(long = "as", value_name = "FORMAT", default_value = "custom")]
    archive: Format,

    /// Copy so many tables at the same time; needs --as directory
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Only these tables, with their partitions: orders, app.orders, 'app.*', '"Orders"'
    ///
    /// What they need besides, such as schemas and types of their own, is not taken along.
    #[arg(long, value_name = "PATTERN", num_args = 1.., conflicts_with_all = ["schema", "affected"])]
    tables: Vec<String>,

    /// Only these schemas
    #[arg(long, value_name = "NAME", num_args = 1.., conflicts_with = "affected")]
    schema: Vec<String>,

    /// Only the tables that the pending migrations change or destroy
    ///
    /// Found in the text of the migrations, with the partitions of the tables and with those that foreign keys change along
    /// with them. Where the text does not show it (a DO block, a function that is called) it is refused.
    #[arg(long)]
    affected: bool,

    /// Count the rows of every table in the database, too, which reads each of them a second time
    ///
    /// Without it that is done for small tables, 64 MiB in all, and `backup verify` counts those of the others in the archive.
    #[arg(long)]
    count_rows: bool,

    /// Afterwards keep so many backups of this database and remove the older ones; see `backup prune`
    #[arg(long, value_name = "N")]
    keep: Option<NonZeroUsize>,
}

impl Create {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let mut options = CreateOptions {
            format: self.archive,
            jobs: self.jobs,
            count_rows: self.count_rows,
            ..CreateOptions::default()
        };
        options.wish = if self.affected {
            let (touched, pending) = touched(call, &settings)?;
            options.pending = Some(pending);
            Wish::Affected(touched)
        } else if !self.tables.is_empty() {
            Wish::Tables(self.tables.clone())
        } else if !self.schema.is_empty() {
            Wish::Schemas(self.schema.clone())
        } else {
            Wish::Whole
        };
        let backup = backup::create(call, &settings, &options)?;
        let now = SystemTime::now();
        let store = Store::open(&settings);
        let mut pruned = Vec::new();
        if let Some(keep) = self.keep {
            let whose = Whose::of(&settings).with(&backup.manifest.identity);
            let rule = Rule { keep: Some(keep.get()), older_than: None };
            let going = backup::choose(&store.list()?, rule, now).into_iter();
            for old in going.filter(|old| whose.owns(&old.manifest)) {
                backup::remove(&store, &old)?;
                pruned.push(old.id().to_owned());
            }
        }
        Answer::ok(BackupView { backup, latest: true, now, made: true, pruned })
    }
}

/// What the pending migrations change or destroy, and the digest over them.
fn touched(call: &Call, settings: &Settings) -> anyhow::Result<(Touched, String)> {
    let set: Set = files::read(settings)?;
    let (migrator, _) = call.migrator(settings, set.clone(), None)?;
    let pending = Pending::of(&set, &migrator.status()?);
    let mut touched = Touched::default();
    for migration in pending.migrations() {
        touched.add(&migration.stem, &migration.up);
    }
    Ok((touched, pending.digest().to_string()))
}
