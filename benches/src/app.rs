//! The applications: built once each, run as child processes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Result;
use crate::stats::timed;
use crate::tool::Tool;
use crate::workload;

/// What an application is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Apply,
    RollBack,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Of the whole process.
    pub process: Duration,
    /// From before connecting to the end of the work.
    pub inside: Duration,
    pub peak_kib: usize,
}

/// Release builds, by tool and number of migrations.
pub struct Apps {
    binaries: HashMap<(&'static str, usize), PathBuf>,
}

impl Apps {
    pub fn build(tools: &[Tool], counts: &[usize]) -> Result<Self> {
        let mut binaries = HashMap::new();
        for &tool in tools {
            for &count in counts {
                eprintln!("building {} with {count} migrations", tool.name());
                binaries.insert((tool.name(), count), build(tool.name(), Some(count))?);
            }
        }
        if !counts.is_empty() {
            binaries.insert(("postgres", 0), build("postgres", None)?);
        }
        Ok(Self { binaries })
    }

    /// Runs a tool's application.
    pub fn run(&self, tool: Tool, count: usize, action: Action, url: &str) -> Result<Outcome> {
        run(Command::new(&self.binaries[&(tool.name(), count)]), action, url)
    }

    /// Sends the same files as they are, in one message each, through the driver alone.
    pub fn run_bare(&self, count: usize, action: Action, url: &str) -> Result<Outcome> {
        let mut command = Command::new(&self.binaries[&("postgres", 0)]);
        command.env("MIGRATIONS", workload::folder(Tool::Ours, count));
        run(command, action, url)
    }
}

fn run(mut command: Command, action: Action, url: &str) -> Result<Outcome> {
    let word = if action == Action::Apply { "apply" } else { "roll-back" };
    command.arg(word).env("DATABASE_URL", url).stdin(Stdio::null());
    let (process, output) = timed(|| Ok(command.output()?))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let mut numbers = said.split_whitespace().map(str::parse::<u64>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(inside)), Some(Ok(peak))) if output.status.success() => {
            Ok(Outcome { process, inside: Duration::from_micros(inside), peak_kib: peak as usize })
        }
        _ => Err(format!("{command:?}: {said}{}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// `cargo` in the bench's workspace, without the network: what is in the lock file is there already.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workload::root()).args(arguments);
    // What `cargo run` sets for this process is not for the builds that it measures.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST") || name == "CARGO_TARGET_DIR"
        {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end; its output is shown only where it fails.
pub fn finish(mut command: Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?}:\n{}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn build(name: &str, count: Option<usize>) -> Result<PathBuf> {
    let mut command = cargo(&["build", "--release", "--locked", "-p"]);
    command.arg(format!("bench-{name}"));
    if let Some(count) = count {
        command.args(["--features", &format!("m{count}")]);
    }
    finish(command)?;
    let built = workload::root().join(format!("target/release/bench-{name}"));
    let kept = workload::root().join(format!("target/apps/{name}-{}", count.unwrap_or(0)));
    if let Some(folder) = kept.parent() {
        std::fs::create_dir_all(folder)?;
    }
    copy(&built, &kept)?;
    Ok(kept)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to).map_err(|error| format!("{}: {error}", from.display()))?;
    Ok(())
}
