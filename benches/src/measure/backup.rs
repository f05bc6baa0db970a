//! `cargo migrate backup create` beside pg_dump alone with the same settings, and what memory it takes, on databases that
//! pgbench makes.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;
use crate::app::finish;
use crate::measure::Bench;
use crate::measure::status::build;
use crate::server::children_cpu;
use crate::stats::{median, milliseconds, paired_ratio, timed};
use crate::table;
use crate::workload;

/// What pg_dump's time may be multiplied with at most.
const GOAL: f64 = 1.03;

/// Where ours are written, in the folder of all that is.
const BACKUPS: &str = "backups";

pub fn measure(bench: &Bench<'_>) -> Result<()> {
    let project = workload::root().parent().unwrap_or(workload::root());
    let tool = match &bench.arguments.built {
        Some(built) => built.clone(),
        None => build(project)?,
    };
    let folder = bench.arguments.data.join(format!("migrate-bench-backups-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let scales = bench.arguments.scales.iter();
    let measured = scales.map(|scale| of_scale(bench, &tool, &folder, *scale)).collect::<Result<Vec<_>>>();
    fs::remove_dir_all(&folder)?;
    let measured = measured?;
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    table::print(
        "`cargo migrate backup create`, whole process (to reach: 1.03 times pg_dump, memory that does not grow)",
        &["database", "pg_dump", "ours", "ratio", "CPU, pg_dump", "CPU, ours", "ratio", "our peak memory"],
        &measured.iter().map(|one| one.row.clone()).collect::<Vec<_>>(),
    );
    println!("\nLoad at the end: {}\n", load.trim());
    for Measured { megabytes, ratio, .. } in measured {
        let met = if ratio <= GOAL { "met" } else { "not met" };
        println!("backup of {megabytes} MB: {ratio:.3} times pg_dump; {GOAL} is {met}");
    }
    Ok(())
}

struct Measured {
    row: Vec<String>,
    megabytes: i64,
    ratio: f64,
}

fn of_scale(bench: &Bench<'_>, tool: &Path, folder: &Path, scale: u32) -> Result<Measured> {
    let url = bench.server.fresh("bench_backup")?;
    let mut pgbench = Command::new(bench.server.binaries.program("pgbench")?);
    pgbench.args(["--initialize", "--quiet", "--scale", &scale.to_string(), &url]);
    finish(pgbench)?;
    let mut client = bench.server.client("bench_backup")?;
    // What autovacuum would do between two runs would be in one of them.
    client.batch_execute("VACUUM ANALYZE; CHECKPOINT")?;
    let bytes: i64 = client.query_one("SELECT pg_database_size(current_database())", &[])?.get(0);
    let dump = folder.join("alone.dump");
    let alone = || {
        let mut command = Command::new(bench.server.binaries.program("pg_dump")?);
        command.args(["--format=custom", "--compress=6", "--file"]).arg(&dump).arg(&url);
        finish(command)
    };
    let (mut theirs, mut ours, mut peak) = (Vec::new(), Vec::new(), 0);
    let (mut their_cpu, mut our_cpu) = (Vec::new(), Vec::new());
    for round in 0..bench.arguments.runs {
        for turn in 0..2 {
            let before = cpu(bench)?;
            if (turn + round) % 2 == 0 {
                theirs.push(milliseconds(timed(alone)?.0));
                their_cpu.push(cpu(bench)? - before);
                fs::remove_file(&dump)?;
            } else {
                let (took, high) = create(tool, folder, &url)?;
                ours.push(milliseconds(took));
                our_cpu.push(cpu(bench)? - before);
                fs::remove_dir_all(folder.join(BACKUPS))?;
                peak = peak.max(high);
            }
        }
        // Whoever has to stop it has what it came to until then.
        eprintln!(
            "backup: scale {scale}, round {} of {}: {:.3} times pg_dump so far",
            round + 1,
            bench.arguments.runs,
            paired_ratio(&ours, &theirs)
        );
    }
    let (megabytes, ratio) = (bytes / 1_000_000, paired_ratio(&ours, &theirs));
    let row = vec![
        format!("{megabytes} MB"),
        table::time(median(&theirs)),
        table::time(median(&ours)),
        table::ratio(ratio),
        table::time(median(&their_cpu)),
        table::time(median(&our_cpu)),
        table::ratio(paired_ratio(&our_cpu, &their_cpu)),
        format!("{:.1} MiB", f64::from(peak) / 1024.0),
    ];
    Ok(Measured { row, megabytes, ratio })
}

/// What all programs that we ran and all sessions of the server took of the processors so far.
fn cpu(bench: &Bench<'_>) -> Result<f64> {
    // A session ends a little after its client has.
    std::thread::sleep(Duration::from_millis(300));
    Ok(children_cpu("self")? + bench.server.cpu()?)
}

/// One backup: how long it took, and the peak of our process's memory in KiB.
fn create(tool: &Path, folder: &Path, url: &str) -> Result<(Duration, u32)> {
    let backups = folder.join(BACKUPS);
    let mut command = Command::new(tool);
    command.args(["migrate", "backup", "create", "--quiet", "--backup-dir"]).arg(&backups);
    command.arg("--log-dir").arg(folder.join("log")).args(["--dir", "migrations"]);
    command.current_dir(folder).env("DATABASE_URL", url).stdin(Stdio::null()).stdout(Stdio::null());
    let started = Instant::now();
    let mut child = command.spawn()?;
    let mut peak = 0;
    let status = loop {
        // The peak only grows: what was read last is it, but for the few milliseconds after.
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.split('\n').find_map(|line| line.strip_prefix("VmHWM:"));
        let high = line.and_then(|line| line.split_whitespace().next()?.parse::<u32>().ok());
        peak = peak.max(high.unwrap_or_default());
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let took = started.elapsed();
    if !status.success() {
        return Err(format!("backup create ended with {status}").into());
    }
    Ok((took, peak))
}
