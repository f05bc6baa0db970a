//! Apply all, nothing to do, roll back all; and the same text sent with psql and with the bare driver.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::Result;
use crate::app::{Action, finish};
use crate::measure::Bench;
use crate::stats::{median, milliseconds, paired_ratio, timed};
use crate::table;
use crate::tool::Tool;
use crate::workload;

/// What is timed; the bare ones record nothing and show what the server itself needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Runner {
    Tool(Tool),
    Psql,
    Driver,
}

impl Runner {
    fn name(self) -> &'static str {
        match self {
            Self::Tool(tool) => tool.name(),
            Self::Psql => "psql, same text",
            Self::Driver => "driver, same text",
        }
    }

    fn can_roll_back(self) -> bool {
        !matches!(self, Self::Tool(tool) if !tool.can_roll_back())
    }
}

/// Milliseconds, a value each run.
#[derive(Default)]
struct Times {
    apply: Vec<f64>,
    nothing: Vec<f64>,
    nothing_inside: Vec<f64>,
    roll_back: Vec<f64>,
}

pub fn measure(bench: &Bench<'_>) -> Result<()> {
    let tools = bench.arguments.tools.iter().copied().map(Runner::Tool);
    let runners: Vec<_> = tools.chain([Runner::Psql, Runner::Driver]).collect();
    for &count in &bench.arguments.counts {
        let mut times: Vec<Times> = runners.iter().map(|_| Times::default()).collect();
        for round in 0..bench.arguments.runs {
            eprintln!("time: {count} migrations, round {} of {}", round + 1, bench.arguments.runs);
            // Each is first, and each follows each, about as often.
            for turn in 0..runners.len() {
                let index = (turn + round) % runners.len();
                once(bench, runners[index], count, &mut times[index])?;
            }
        }
        show(&runners, &times, count);
    }
    Ok(())
}

fn once(bench: &Bench<'_>, runner: Runner, count: usize, times: &mut Times) -> Result<()> {
    let url = bench.server.fresh("bench")?;
    let go = |action| -> Result<(Duration, Duration)> {
        match runner {
            Runner::Tool(tool) => {
                bench.apps.run(tool, count, action, &url).map(|outcome| (outcome.process, outcome.inside))
            }
            Runner::Driver => {
                bench.apps.run_bare(count, action, &url).map(|outcome| (outcome.process, outcome.inside))
            }
            Runner::Psql => psql(bench, count, action, &url).map(|process| (process, process)),
        }
    };
    times.apply.push(milliseconds(go(Action::Apply)?.0));
    bench.server.expect_items("bench", count)?;
    if matches!(runner, Runner::Tool(_)) {
        for _ in 0..3 {
            let (process, inside) = go(Action::Apply)?;
            times.nothing.push(milliseconds(process));
            times.nothing_inside.push(milliseconds(inside));
        }
    }
    if runner.can_roll_back() {
        times.roll_back.push(milliseconds(go(Action::RollBack)?.0));
        bench.server.expect_items("bench", 0)?;
    }
    Ok(())
}

/// One psql, one connection, one message (`-c`) a migration.
fn psql(bench: &Bench<'_>, count: usize, action: Action, url: &str) -> Result<Duration> {
    let folder = workload::folder(Tool::Ours, count);
    let mut files = Vec::new();
    for number in 1..=count {
        let name = match action {
            Action::Apply => Some(Tool::Ours.up(number)),
            Action::RollBack => Tool::Ours.down(count + 1 - number),
        };
        files.extend(name.map(|name| folder.join(name)));
    }
    let mut command = Command::new(bench.server.binaries.program("psql")?);
    command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", url]);
    for file in files {
        command.arg("-c").arg(fs::read_to_string(file)?);
    }
    Ok(timed(|| finish(command))?.0)
}

fn show(runners: &[Runner], times: &[Times], count: usize) {
    let ours = &times[0];
    let cell = |values: &[f64], reference: &[f64]| match values {
        [] => ["n/a".to_owned(), String::new()],
        _ => [table::time(median(values)), table::ratio(paired_ratio(values, reference))],
    };
    let rows: Vec<Vec<String>> = runners
        .iter()
        .zip(times)
        .map(|(runner, times)| {
            let [apply, apply_ratio] = cell(&times.apply, &ours.apply);
            let [nothing, nothing_ratio] = cell(&times.nothing, &ours.nothing);
            let [inside, _] = cell(&times.nothing_inside, &ours.nothing_inside);
            let [back, back_ratio] = cell(&times.roll_back, &ours.roll_back);
            let cells = [apply, apply_ratio, nothing, nothing_ratio, inside, back, back_ratio];
            std::iter::once(runner.name().to_owned()).chain(cells).collect()
        })
        .collect();
    table::print(
        &format!("{count} migrations: time of the process, and as a multiple of ours"),
        &[
            "",
            "apply all",
            "× ours",
            "nothing to do",
            "× ours",
            "of it from connecting on",
            "roll back all",
            "× ours",
        ],
        &rows,
    );
    let tools = runners.iter().zip(times).filter(|(runner, _)| matches!(runner, Runner::Tool(_))).skip(1);
    let fastest = tools.min_by(|(_, a), (_, b)| median(&a.apply).total_cmp(&median(&b.apply)));
    if let Some((runner, fastest)) = fastest {
        let to_psql = runners.iter().zip(times).find(|(runner, _)| **runner == Runner::Psql);
        println!(
            "\nApply all: ours is {} of the fastest peer ({}; to reach: 0.75) and {} of psql (to reach: 1.15).",
            table::ratio(paired_ratio(&ours.apply, &fastest.apply)),
            runner.name(),
            to_psql
                .map_or_else(String::new, |(_, psql)| table::ratio(paired_ratio(&ours.apply, &psql.apply))),
        );
    }
}
