//! What an application pays at build time for having migrations embedded.

use std::collections::BTreeSet;
use std::fs;

use crate::Result;
use crate::app::{cargo, finish};
use crate::measure::Bench;
use crate::stats::{median, paired_ratio, timed};
use crate::table;
use crate::workload;

const APPS: [&str; 5] = ["ours", "sqlx", "refinery", "diesel", "postgres"];

fn features(app: &str) -> &'static [&'static str] {
    if app == "postgres" { &[] } else { &["--features", "m100"] }
}

/// How many crates are compiled for this platform, the application itself and build-time ones among them.
pub fn crates() -> Result<()> {
    let mut counts = Vec::new();
    for app in APPS {
        let mut command =
            cargo(&["tree", "--locked", "-e", "normal,build", "--prefix", "none", "--format", "{p}"]);
        command.args(["-p", &format!("bench-{app}")]).args(features(app));
        let tree = finish(command)?;
        let crates: BTreeSet<_> = tree
            .split('\n')
            .map(|line| line.trim_end_matches(" (*)"))
            .filter(|line| !line.is_empty())
            .collect();
        counts.push(crates.len() as i64);
    }
    let base = counts[APPS.len() - 1];
    let rows: Vec<Vec<String>> = APPS
        .iter()
        .zip(&counts)
        .map(|(app, count)| vec![(*app).to_owned(), count.to_string(), format!("{:+}", count - base)])
        .collect();
    table::print(
        "Crates of an application with migrations embedded",
        &["", "crates", "beside `postgres`"],
        &rows,
    );
    println!("\ndiesel needs the C library libpq besides, which is no crate.");
    Ok(())
}

pub fn measure(bench: &Bench<'_>) -> Result<()> {
    let runs = bench.arguments.runs.min(3);
    for release in [false, true] {
        let mut times: Vec<Vec<f64>> = vec![vec![]; APPS.len()];
        for round in 0..runs {
            for turn in 0..APPS.len() {
                let index = (turn + round) % APPS.len();
                eprintln!("build: {}, round {} of {runs}", APPS[index], round + 1);
                times[index].push(clean_build(APPS[index], release)?);
            }
        }
        let rows: Vec<Vec<String>> = APPS
            .iter()
            .zip(&times)
            .map(|(app, times_of)| {
                let ratio = table::ratio(paired_ratio(times_of, &times[0]));
                vec![(*app).to_owned(), format!("{:.1} s", median(times_of)), ratio]
            })
            .collect();
        let profile = if release { "release" } else { "debug" };
        table::print(
            &format!("Clean {profile} build, 100 migrations embedded, {runs} run(s)"),
            &["", "time", "× ours"],
            &rows,
        );
    }
    Ok(())
}

fn clean_build(app: &str, release: bool) -> Result<f64> {
    let target = workload::root().join("target/clean");
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    let mut command =
        cargo(&["build", "--locked", "--offline", "-p", &format!("bench-{app}"), "--target-dir"]);
    command.arg(&target).args(features(app));
    if release {
        command.arg("--release");
    }
    Ok(timed(|| finish(command))?.0.as_secs_f64())
}
