//! The verbs, one file each: a struct whose comments are the help, then one function.

pub mod backup;
mod call;
pub mod ci;
pub mod completions;
pub mod deploy;
pub mod doctor;
pub mod down;
pub mod drift;
pub mod health;
pub mod history;
pub mod init;
pub mod lint;
pub mod local;
pub mod lock;
pub mod man;
pub mod new;
pub mod postflight;
pub mod preflight;
pub mod redo;
pub mod rehearse;
pub mod repair;
pub mod report;
pub mod schema;
pub mod status;
pub mod up;
pub mod verify;

pub(crate) use call::{Call, Outcome, Typed, tell_other_major};

use crate::args::Verb;

/// Runs a verb.
pub(crate) fn run(verb: &Verb, call: &Call) -> Outcome {
    match verb {
        Verb::Init(init) => init.run(call),
        Verb::New(new) => new.run(call),
        Verb::Up(up) => up.run(call),
        Verb::Down(down) => down.run(call),
        Verb::Redo(redo) => redo.run(call),
        Verb::Status(status) => status.run(call),
        Verb::Lock(lock) => lock.run(call),
        Verb::Repair(repair) => repair.run(call),
        Verb::History(history) => history.run(call),
        Verb::Verify(verify) => verify.run(call),
        Verb::Lint(lint) => lint.run(call),
        Verb::Schema(schema) => schema.run(call),
        Verb::Drift(drift) => drift.run(call),
        Verb::Ci(ci) => ci.run(call),
        Verb::Preflight(preflight) => preflight.run(call),
        Verb::Backup(backup) => backup.run(call),
        Verb::Postflight(postflight) => postflight.run(call),
        Verb::Deploy(deploy) => deploy.run(call),
        Verb::Rehearse(rehearse) => rehearse.run(call),
        Verb::Report(report) => report.run(call),
        Verb::Health(health) => health.run(call),
        Verb::Doctor(doctor) => doctor.run(call),
        Verb::Local(local) => local.run(call),
        Verb::Completions(completions) => completions.run(),
        Verb::Man(man) => man.run(),
    }
}
