//! `cargo migrate status` on an up-to-date database, beside the two things that it cannot do without.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::app::{cargo, finish};
use crate::measure::Bench;
use crate::stats::{median, milliseconds, timed};
use crate::table;
use crate::workload;

pub fn measure(bench: &Bench<'_>) -> Result<()> {
    let project = workload::root().parent().unwrap_or(workload::root());
    let tool = build(project)?;
    let url = bench.server.fresh("bench")?;
    // The folder is not named: told everything, the command line does not need `cargo metadata` at all.
    let migrate = |word: &str| {
        let mut command = Command::new(&tool);
        command.args(["migrate", word]).current_dir(project).env("DATABASE_URL", &url);
        command
    };
    finish(migrate("up"))?;
    let metadata = || {
        let mut command = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
        command.current_dir(project);
        command
    };
    let psql = || -> Result<Command> {
        let mut command = Command::new(bench.server.binaries.program("psql")?);
        command.args(["-X", "-q", "-A", "-t", "-c", "select 1", &url]);
        Ok(command)
    };
    let (mut status, mut select, mut read) = (vec![], vec![], vec![]);
    for _ in 0..bench.arguments.runs.max(11) {
        status.push(milliseconds(timed(|| finish(migrate("status")))?.0));
        select.push(milliseconds(timed(|| finish(psql()?))?.0));
        read.push(milliseconds(timed(|| finish(metadata()))?.0));
    }
    let both = median(&select) + median(&read);
    let row = |name: &str, value: f64| vec![name.to_owned(), table::time(value), table::ratio(value / both)];
    table::print(
        "`cargo migrate status`, whole process (to reach: 2)",
        &["", "time", "× the sum"],
        &[
            row("cargo-migrate status", median(&status)),
            row("psql -c 'select 1'", median(&select)),
            row("cargo metadata --no-deps", median(&read)),
            row("sum of these two", both),
        ],
    );
    Ok(())
}

pub fn build(project: &Path) -> Result<PathBuf> {
    let mut command = cargo(&["build", "--release", "--locked", "-p", "cargo-migrate"]);
    finish({
        command.current_dir(project);
        command
    })?;
    Ok(project.join("target/release/cargo-migrate"))
}
