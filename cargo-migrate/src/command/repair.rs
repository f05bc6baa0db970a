//! `repair`: make the history fit the files again.

use clap::Args;

use super::call::{Answer, Call, Outcome};
use crate::gate::{self, Request};
use crate::records::Level;
use crate::render::view::{RepairView, repaired};
use crate::{args, files};

/// Show what would have to change in the history for it to fit the files; change it with --yes
///
/// Changes rows of the history and nothing else: no migration is run. For a file that was edited after it was applied,
/// renamed or removed on purpose, and for what a killed run left behind.
#[derive(Debug, Args)]
pub struct Repair {
    /// Make the changes
    #[arg(short, long)]
    yes: bool,

    /// Change the history of a protected environment without a fresh passing preflight, for this reason, which the audit
    /// log keeps
    #[arg(long, value_name = "REASON", value_parser = args::reason)]
    force: Option<String>,
}

impl Repair {
    /// What it shows without doing it is not recorded.
    pub(crate) fn is_recorded(&self) -> bool {
        self.yes
    }

    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let set = files::read(&settings)?;
        let (migrator, _) = call.migrator(&settings, set.clone(), self.force.as_deref())?;
        let plan = migrator.repair_plan()?;
        let done = self.yes && !plan.repairs.is_empty();
        if done {
            let said = args::Gate { force: self.force.clone(), ..args::Gate::default() };
            // Rows of the history are all that changes, and what they were is in the audit log: no backup for that.
            let request = Request { verb: "repair", said: &said, goal: None, backup: false };
            gate::foresee(call, &settings, &set, &migrator, request)?;
            gate::pass(call, &settings, &set, &migrator, request)?;
            let _works = call.context.engine_works();
            migrator.repair(&plan)?;
            for repair in &plan.repairs {
                call.logbook(&settings).line(Level::Info, "repaired", repaired(repair));
            }
        }
        Answer::ok(RepairView { plan, done })
    }
}
