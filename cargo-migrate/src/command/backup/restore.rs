//! `backup restore`.

use std::num::NonZeroUsize;

use clap::Args;

use crate::backup::restore::{self, Options, Restored, discard, swap};
use crate::backup::{LATEST, Store, Whose};
use crate::command::call::{Answer, Call, Outcome};
use crate::config::Settings;
use crate::render::view::{DiscardView, RestoreStep, RestoreView};
use crate::{Problem, question};

/// Restore a backup into a new database, and with --swap put it in the place of the old one
///
/// The new database is made beside the old one and like it: encoding, locale, owner, privileges, settings. It is loaded,
/// analyzed, and held to the backup's manifest: the digest of the schema, the rows of each table. The old one is not
/// touched. Only with --swap are the names changed, in one transaction, and the old database is kept under another name.
///
/// A swap ends the sessions of both databases, and is refused while a migration runs and while prepared transactions,
/// replication slots or subscriptions are tied to the old database. It asks first; scripts pass --yes.
///
/// Exits with 1 where it was refused or did not succeed: the database in use is then as it was.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup: its id, the unique beginning of one, or `latest`, the newest of this environment's or database's, which is
    /// the default
    #[arg(value_name = "ID", conflicts_with_all = ["swap_back", "discard"])]
    id: Option<String>,

    /// The new database's name, by default the old one's with `_restored_` and the time; with --swap also one that was
    /// restored before
    #[arg(long, value_name = "NAME", conflicts_with = "discard")]
    into: Option<String>,

    /// Put it in the place of the old database once it is verified, and keep the old one
    #[arg(long, conflicts_with_all = ["swap_back", "discard"])]
    swap: bool,

    /// Put the database that was there before a swap back in its place: the newest, or the one that --into names
    #[arg(long, conflicts_with = "discard")]
    swap_back: bool,

    /// Drop a database that a restore made and that is in nobody's place
    #[arg(long, value_name = "NAME")]
    discard: Option<String>,

    /// Only the rows of these tables, and the schema: `public.orders`, `orders`, or a pattern such as 'events_*'
    #[arg(
        long, value_name = "TABLE", value_delimiter = ',', num_args = 1..,
        conflicts_with_all = ["swap", "swap_back", "discard"]
    )]
    tables: Vec<String>,

    /// Load so many tables and indexes at the same time
    #[arg(long, value_name = "N", conflicts_with_all = ["swap_back", "discard"])]
    jobs: Option<NonZeroUsize>,

    /// Restore a backup of another database or of another server
    #[arg(long, conflicts_with_all = ["swap_back", "discard"])]
    from_another_database: bool,

    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Restore {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let logbook = call.logbook(&settings);
        if let Some(name) = &self.discard {
            return self.discard(call, &settings, name);
        }
        let view = self.restore(call, &settings)?;
        logbook.write_view("restore", &view);
        Answer::ok(view)
    }

    fn restore(&self, call: &Call, settings: &Settings) -> anyhow::Result<RestoreView> {
        if self.swap_back {
            let exchange = swap::prepare_back(call, settings, self.into.as_deref())?;
            let swapped = self.exchange(call, settings, exchange)?;
            return Ok(RestoreView { restored: None, swapped: Some(swapped) });
        }
        if self.swap && !self.yes && !call.context.stdin.is_terminal() {
            // Before hours of loading, not after.
            let question = "put the restored database in the place of the old one?".to_owned();
            return Err(Problem::NeedsYes { question }.into());
        }
        let restored = self.restored(call, settings)?;
        if !self.swap {
            return Ok(RestoreView { restored: Some(restored), swapped: None });
        }
        let swapped = swap::prepare(call, settings, &restored)
            .and_then(|exchange| self.exchange(call, settings, exchange))
            .inspect_err(|_| {
                // What took hours is there, whatever became of the swap.
                let database = restored.database.clone();
                call.ui.remark(&RestoreStep::NotSwapped { database }, "restore");
            })?;
        Ok(RestoreView { restored: Some(restored), swapped: Some(swapped) })
    }

    /// The restored database: one of before where it is named, or a new one.
    fn restored(&self, call: &Call, settings: &Settings) -> anyhow::Result<Restored> {
        if let Some(name) = self.into.as_ref().filter(|_| self.swap)
            && let Some(restored) = restore::existing(call, settings, name, self.id.as_deref())?
        {
            return Ok(restored);
        }
        let (store, id) = (Store::open(settings), self.id.as_deref().unwrap_or(LATEST));
        let backup = match self.from_another_database {
            true => store.find(id, &Whose::default())?,
            false => match store.find(id, &Whose::of(settings)) {
                // An address may be another name of the same server: the identity of the newest decides.
                Err(error) if matches!(error.downcast_ref(), Some(Problem::NoOwnBackup { .. })) => {
                    store.find(id, &Whose::default())?
                }
                found => found?,
            },
        };
        let options = Options {
            jobs: self.jobs,
            tables: self.tables.clone(),
            from_another: self.from_another_database,
            swap: self.swap,
        };
        restore::into_new(call, settings, &backup, self.into.as_deref(), &options)
    }

    fn exchange(
        &self,
        call: &Call,
        settings: &Settings,
        exchange: swap::Exchange,
    ) -> anyhow::Result<restore::Swapped> {
        let sessions = exchange.sessions()?;
        if !sessions.is_empty() {
            let database = exchange.database().to_owned();
            call.ui.before_question(&RestoreStep::Sessions { database, sessions }, "restore", self.yes);
        }
        question::confirm(call.context, &exchange.question(), self.yes)?;
        exchange.run(call, settings)
    }

    fn discard(&self, call: &Call, settings: &Settings, name: &str) -> Outcome {
        let leftover = discard::prepare(call, settings, name)?;
        question::confirm(call.context, &leftover.question(), self.yes)?;
        leftover.run()?;
        let backup = leftover.found.mark.map(|mark| mark.backup);
        Answer::ok(DiscardView { database: name.to_owned(), backup })
    }
}
