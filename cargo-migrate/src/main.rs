//! The `cargo-migrate` binary: the process's own streams and signals around the library's entry.

use std::process::ExitCode;

use cargo_migrate::{Context, run, signals};

fn main() -> ExitCode {
    let context = Context::of_process();
    signals::watch(&context);
    run(std::env::args_os(), &context).into()
}
