//! One migration is edited: how long until the application with it is built again (debug build).

use std::fs;

use crate::Result;
use crate::app::{cargo, finish};
use crate::measure::Bench;
use crate::stats::{median, milliseconds, paired_ratio, timed};
use crate::table;
use crate::tool::Tool;
use crate::workload;

pub fn measure(bench: &Bench<'_>) -> Result<()> {
    let tools = &bench.arguments.tools;
    for &count in &bench.arguments.counts {
        let mut times: Vec<Vec<f64>> = vec![vec![]; tools.len()];
        let mut locking = Vec::new();
        let mut stale = vec![false; tools.len()];
        for &tool in tools {
            build(tool, count)?;
        }
        for round in 0..bench.arguments.runs {
            eprintln!("rebuild: {count} migrations, round {} of {}", round + 1, bench.arguments.runs);
            for turn in 0..tools.len() {
                let index = (turn + round) % tools.len();
                let tool = tools[index];
                // The features differ by count and tool only, so that each build is of one edited file.
                build(tool, count)?;
                let marker = format!("edited in round {round} of process {}", std::process::id());
                let path = workload::folder(tool, count).join(tool.up(count / 2));
                let text = workload::up_sql(count / 2);
                fs::write(&path, format!("-- {marker}\n{text}"))?;
                if tool == Tool::Ours {
                    let (spent, ()) = timed(|| workload::lock(&workload::folder(tool, count)))?;
                    locking.push(milliseconds(spent));
                }
                times[index].push(timed(|| build(tool, count))?.0.as_secs_f64());
                stale[index] |= !holds(tool, &marker)?;
            }
        }
        workload::write_all(&[count])?;
        let row = |index: usize| {
            let name = tools[index].name();
            let name = if stale[index] { format!("{name}: old text still in it") } else { name.to_owned() };
            let ratio = table::ratio(paired_ratio(&times[index], &times[0]));
            vec![name, format!("{:.2} s", median(&times[index])), ratio]
        };
        table::print(
            &format!("Incremental debug build after one of {count} migrations was edited"),
            &["", "time", "× ours"],
            &(0..tools.len()).map(row).collect::<Vec<_>>(),
        );
        println!("\nBringing `migrations.lock` up to date took ours {:.1} ms before that.", median(&locking));
    }
    Ok(())
}

fn build(tool: Tool, count: usize) -> Result<()> {
    let package = format!("bench-{}", tool.name());
    let features = format!("m{count}");
    finish(cargo(&["build", "--locked", "--offline", "-p", &package, "--features", &features])).map(drop)
}

/// Whether the application has the text that was just written.
fn holds(tool: Tool, marker: &str) -> Result<bool> {
    let binary = fs::read(workload::root().join(format!("target/debug/bench-{}", tool.name())))?;
    Ok(binary.windows(marker.len()).any(|window| window == marker.as_bytes()))
}
