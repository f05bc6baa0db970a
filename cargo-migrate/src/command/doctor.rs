//! `doctor`: is everything there?

use clap::Args;

use super::call::{Answer, Call, Outcome};
use crate::Exit;
use crate::doctor;
use crate::inspection::Severity;
use crate::render::view::DoctorView;

/// Look at everything that is needed, and say what is missing and what to do about it
///
/// The settings and where each comes from, the programs and their versions, the migrations and their lock, the folders for
/// logs and backups, the way to the database step by step, and what the role may do there. Starts, installs and writes
/// nothing, and goes on where a part cannot be looked at. Exits with 5 where something needed is missing.
#[derive(Debug, Args)]
pub struct Doctor {}

impl Doctor {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let lines = doctor::look(call);
        let failed = lines.iter().any(|line| line.severity == Severity::Failure);
        let exit = if failed { Exit::Usage } else { Exit::Success };
        Ok(Answer { view: Box::new(DoctorView(lines)), exit })
    }
}
