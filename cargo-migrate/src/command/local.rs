//! `local`: the project's own PostgreSQL.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;

use clap::{Args, Subcommand};
use migrate_testing::LocalServer;

use super::call::{Answer, Call, Outcome};
use crate::render::view::LocalView;
use crate::{Problem, question};

/// Manage the project's own PostgreSQL server, which `database = "local"` uses
///
/// It is kept under Cargo's target folder, listens on a Unix socket only, starts on demand and stops when idle.
#[derive(Debug, Args)]
pub struct Local {
    /// What to do.
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Start the server and print the URL of the project's database
    Start,
    /// Stop the server; its databases are kept
    Stop,
    /// Show whether it runs, and where its data are
    Status,
    /// Open psql on the project's database
    Psql {
        /// Arguments for psql
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
    /// Stop the server and remove all of its databases
    Reset {
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

impl Local {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let Some(local) = &settings.local else {
            return Err(Problem::NoProject { folder: call.context.cwd.clone() }.into());
        };
        let server = LocalServer::new(&local.target);
        Answer::ok(match &self.action {
            Action::Start => LocalView::Started(server.start(&local.database)?),
            Action::Stop => LocalView::Stopped(server.stop()?),
            Action::Status => LocalView::Status(server.status()?),
            Action::Psql { arguments } => {
                let mut psql = server.psql(&local.database)?;
                // In our place, so that the terminal and its signals are psql's alone. Returns only where it failed.
                let why = psql.args(arguments).exec().to_string();
                return Err(Problem::Program { program: "psql".to_owned(), why }.into());
            }
            Action::Reset { yes } => {
                question::confirm(call.context, "remove the local server with all of its databases?", *yes)?;
                LocalView::Reset(server.reset()?)
            }
        })
    }
}
