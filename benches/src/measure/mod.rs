//! The measures, one a file.

mod backup;
mod build;
mod memory;
mod parts;
mod rebuild;
mod schema;
mod status;
mod time;
mod verify;
mod wire;

use crate::app::{self, Apps};
use crate::arguments::{Arguments, Measure};
use crate::server::Server;
use crate::{Result, machine, workload};

/// What every measure is given.
pub struct Bench<'a> {
    pub arguments: &'a Arguments,
    pub server: &'a Server,
    pub apps: &'a Apps,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    workload::write_all(&[10, 100, 1000])?;
    app::finish(app::cargo(&["fetch", "--locked"]))?;
    let server = Server::start(&arguments.data, arguments.fsync)?;
    machine::print(arguments, &server.binaries.banner);
    let running = [Measure::Time, Measure::Wire, Measure::Memory];
    let counts = match arguments.measures.iter().any(|measure| running.contains(measure)) {
        true => arguments.counts.as_slice(),
        false => &[],
    };
    let apps = Apps::build(&arguments.tools, counts)?;
    let bench = Bench { arguments, server: &server, apps: &apps };
    for measure in &arguments.measures {
        match measure {
            Measure::Time => time::measure(&bench)?,
            Measure::Wire => wire::measure(&bench)?,
            Measure::Memory => memory::measure(&bench)?,
            Measure::Rebuild => rebuild::measure(&bench)?,
            Measure::Crates => build::crates()?,
            Measure::Build => build::measure(&bench)?,
            Measure::Status => status::measure(&bench)?,
            Measure::Parts => parts::measure(&bench)?,
            Measure::Schema => schema::measure(&bench)?,
            Measure::Verify => verify::measure(&bench)?,
            Measure::Backup => backup::measure(&bench)?,
        }
    }
    Ok(())
}
