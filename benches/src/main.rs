//! Runs us beside other migration tools on the same workload and prints ratios: `benches/run help`.

mod app;
mod arguments;
mod machine;
mod measure;
mod proxy;
mod server;
mod stats;
mod table;
mod tool;
mod workload;

use std::process::ExitCode;

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

fn main() -> ExitCode {
    match arguments::parse(std::env::args().skip(1)).and_then(|arguments| measure::run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("error: {error}");
            // A driver's error says only in its source what the server said.
            let mut source = error.source();
            while let Some(error) = source {
                eprint!(": {error}");
                source = error.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}
