//! `rehearse`: the pending migrations on a copy of production.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use migrate_runtime::Database;

use super::call::{Answer, Call, Outcome};
use crate::rehearse::{self, Ended, Options};
use crate::render::view::RehearseView;
use crate::{Exit, config, files};

/// Run the pending migrations on a copy made from a backup, and measure who would wait
///
/// The newest verified backup of the environment is loaded into a database of its own, the pending migrations are applied
/// there by the engine that production uses, and rolled back again. Told of each: how long it took, which tables it locked
/// and for how long, what it wrote anew, and the longest time that a reader or a writer of a table would have waited, as
/// clients measured it that used the tables all the while. The database that was backed up is not connected to.
///
/// Exits with 2 where a migration fails there, with 4 where rolling back fails or leaves another schema than there was, and
/// with 8 where somebody would have waited for longer than --max-wait.
#[derive(Debug, Args)]
pub struct Rehearse {
    /// Another backup than the newest verified one: its name, the beginning of it, or `latest`
    #[arg(long, value_name = "ID")]
    backup: Option<String>,

    /// Make the database on this server, an environment or a URL, instead of one of our own
    ///
    /// The database is named rehearsal_TIME_PID and dropped at the end; the role needs CREATEDB. Other users of this
    /// machine see the arguments of a process: prefer an environment where the URL has a password.
    #[arg(long, value_name = "ENV|URL")]
    server: Option<String>,

    /// Leave the database on the server that was given
    #[arg(long, requires = "server")]
    keep: bool,

    /// Where a server of our own has its files, instead of a folder for temporary ones with enough room
    #[arg(long, value_name = "FOLDER", conflicts_with = "server")]
    scratch_dir: Option<PathBuf>,

    /// Do not roll back again
    #[arg(long)]
    no_down: bool,

    /// Let clients run the statements of this file over and over meanwhile, and tell what that did to them
    ///
    /// Each statement is a transaction, unless the file says BEGIN … COMMIT. They may write: it is a copy. A statement that
    /// fails before any migration is refused with its line.
    #[arg(long, value_name = "FILE")]
    load: Option<PathBuf>,

    /// So many clients
    #[arg(long, value_name = "N", default_value = "4", requires = "load")]
    clients: NonZeroUsize,

    /// All clients together begin at most so many statements or transactions a second [default: as many as they can]
    #[arg(long, value_name = "N", requires = "load", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,

    /// For how long clients work before the first migration, to see what it takes otherwise
    #[arg(long, value_name = "TIME", default_value = "3s", requires = "load", value_parser = crate::args::duration)]
    warm_up: Duration,

    /// Exit with 8 where a reader or a writer would have waited for longer than this
    #[arg(long, value_name = "TIME", value_parser = crate::args::duration)]
    max_wait: Option<Duration>,

    /// Load so many tables and indexes at the same time
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

impl Rehearse {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let set = files::read_as_locked(&settings)?;
        let options = Options {
            backup: self.backup.clone(),
            server: self.server.as_ref().map(|place| server(call, place)).transpose()?,
            scratch_dir: self.scratch_dir.as_ref().map(|folder| call.context.cwd.join(folder)),
            keep: self.keep,
            down: !self.no_down,
            load: self.load.clone(),
            clients: self.clients,
            rate: self.rate,
            warm_up: self.warm_up,
            jobs: self.jobs,
            max_wait: self.max_wait,
        };
        let Ended { rehearsed, error } = rehearse::run(call, &settings, &set, &options)?;
        let (differs, too_long) = (rehearsed.differs(), rehearsed.is_too_long());
        let mut view = RehearseView { rehearsed, report: None, error_follows: false };
        view.report = call.logbook(&settings).write_view("rehearse", &view);
        if let Some(error) = error {
            view.error_follows = true;
            call.ui.remark(&view, "rehearsal");
            return Err(error);
        }
        let exit = match (differs, too_long) {
            (true, _) => Exit::RollbackFailed,
            (false, true) => Exit::CheckFound,
            (false, false) => Exit::Success,
        };
        Ok(Answer { view: Box::new(view), exit })
    }
}

/// The server of an environment, or at a URL.
fn server(call: &Call, place: &str) -> anyhow::Result<Database> {
    let is_url = place.contains("://") || place.contains('=');
    let mut global = call.global.clone();
    if is_url {
        global.database_url = Some(place.to_owned());
    } else {
        global.database_url = None;
        global.env = Some(place.to_owned());
    }
    call.database(&config::load(&global, None, call.context)?)
}
