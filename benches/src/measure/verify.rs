//! `cargo migrate verify` beside the same cycle made with psql and pg_dump: up, dump, down, dump, up, dump, each compared.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use migrate_testing::{ScratchServer, ScratchSettings};

use crate::Result;
use crate::app::finish;
use crate::measure::Bench;
use crate::measure::status::build;
use crate::stats::{median, milliseconds, timed};
use crate::table;
use crate::tool::Tool;
use crate::workload;

/// The cycle with pg_dump takes half an hour for 1,000 migrations: so many of them are timed, evenly spread, and each stands
/// for those up to the next.
const SAMPLES: usize = 20;

pub fn measure(bench: &Bench<'_>) -> Result<()> {
    let project = workload::root().parent().unwrap_or(workload::root());
    let tool = build(project)?;
    let mut rows = Vec::new();
    for &count in &bench.arguments.counts {
        let folder = workload::folder(Tool::Ours, count);
        let verify = |jobs: &str| {
            let mut command = Command::new(&tool);
            command.args(["migrate", "verify", "--scratch", "--quiet", "--jobs", jobs, "--dir"]).arg(&folder);
            command.current_dir(project).env("DATABASE_URL", "postgres://nowhere/x").stdout(Stdio::null());
            command
        };
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get).to_string();
        let (mut one, mut all) = (Vec::new(), Vec::new());
        for round in 0..bench.arguments.runs.min(3) {
            eprintln!("verify: {count} migrations, round {}", round + 1);
            one.push(milliseconds(timed(|| finish(verify("1")))?.0));
            all.push(milliseconds(timed(|| finish(verify(&cores)))?.0));
        }
        let dumps = milliseconds(by_hand(bench, count)?);
        let row = |name: String, value: f64| {
            vec![name, count.to_string(), table::time(value), table::ratio(dumps / value)]
        };
        rows.push(row("cargo migrate verify --jobs 1".to_owned(), median(&one)));
        rows.push(row(format!("cargo migrate verify --jobs {cores}"), median(&all)));
        rows.push(row("psql and pg_dump".to_owned(), dumps));
    }
    table::print(
        "`cargo migrate verify`, whole process (to reach with 1,000: 20)",
        &["", "migrations", "time", "times faster than by hand"],
        &rows,
    );
    Ok(())
}

/// The cycle with the programs that everybody has, on a server in memory as ours is.
fn by_hand(bench: &Bench<'_>, count: usize) -> Result<Duration> {
    let settings =
        ScratchSettings { binaries: Some(bench.server.binaries.clone()), ..ScratchSettings::default() };
    let server = ScratchServer::start(settings)?;
    let database = server.database()?;
    let psql = |sql: &str| -> Result<()> {
        let mut command = Command::new(server.binaries().program("psql")?);
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, database.url()]);
        finish(command).map(drop)
    };
    let dump = || -> Result<Vec<u8>> {
        let mut command = Command::new(server.binaries().program("pg_dump")?);
        let output = command.args(["--schema-only", database.url()]).output()?;
        if !output.status.success() {
            return Err(format!("pg_dump: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(without_marks(&output.stdout))
    };
    let folder = workload::folder(Tool::Ours, count);
    let up = |number: usize| fs::read_to_string(folder.join(Tool::Ours.up(number)));
    let step = (count / SAMPLES).max(1);
    let mut total = Duration::ZERO;
    let mut number = 1;
    while number <= count {
        let down = Tool::Ours.down(number).ok_or("ours has a down")?;
        let (up_sql, down_sql) = (up(number)?, fs::read_to_string(folder.join(down))?);
        // The state before is what the last dump of the migration before it showed.
        let before = dump()?;
        let (took, ()) = timed(|| {
            psql(&up_sql)?;
            let after = dump()?;
            psql(&down_sql)?;
            let undone = dump()?;
            psql(&up_sql)?;
            if undone != before || dump()? != after {
                return Err("the workload does not undo itself".into());
            }
            Ok(())
        })?;
        total += took * u32::try_from(step.min(count + 1 - number))?;
        let between: Vec<_> =
            (number + 1..=count.min(number + step - 1)).map(up).collect::<Result<_, _>>()?;
        if !between.is_empty() {
            psql(&between.concat())?;
        }
        number += step;
    }
    Ok(total)
}

/// pg_dump writes a random word into its `\restrict` lines.
fn without_marks(dump: &[u8]) -> Vec<u8> {
    let lines = dump.split(|byte| *byte == b'\n');
    let kept = lines.filter(|line| !line.starts_with(b"\\restrict") && !line.starts_with(b"\\unrestrict"));
    kept.collect::<Vec<_>>().join(&b'\n')
}
