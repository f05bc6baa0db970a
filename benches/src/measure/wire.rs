//! Round trips and bytes through a counting proxy, and what they cost where the server is 5 ms away.

use std::time::Duration;

use crate::Result;
use crate::app::{Action, Outcome};
use crate::measure::Bench;
use crate::proxy::{Proxy, Traffic};
use crate::stats::milliseconds;
use crate::table;
use crate::tool::Tool;

const FAR: Duration = Duration::from_millis(5);

pub fn measure(bench: &Bench<'_>) -> Result<()> {
    let near = Proxy::start(bench.server.port, Duration::ZERO)?;
    let far = Proxy::start(bench.server.port, FAR)?;
    for &count in &bench.arguments.counts {
        let mut rows = Vec::new();
        for &tool in &bench.arguments.tools {
            eprintln!("wire: {count} migrations, {}", tool.name());
            rows.extend(rows_of(bench, tool, count, &near, &far)?);
        }
        table::print(
            &format!("{count} migrations on the wire, after the start-up of the connections"),
            &[
                "",
                "connections",
                "start-up trips",
                "round trips",
                "a migration",
                "bytes sent",
                "received",
                "at 0 ms",
                "at 5 ms each way",
                "× ours",
            ],
            &with_ratios(rows),
        );
    }
    Ok(())
}

struct Line {
    tool: Tool,
    what: &'static str,
    cells: Vec<String>,
    far_ms: f64,
}

fn rows_of(bench: &Bench<'_>, tool: Tool, count: usize, near: &Proxy, far: &Proxy) -> Result<Vec<Line>> {
    let mut runs: Vec<Vec<(Outcome, Traffic)>> = Vec::new();
    let steps: &[_] = match tool.can_roll_back() {
        true => &[Action::Apply, Action::Apply, Action::RollBack],
        false => &[Action::Apply, Action::Apply],
    };
    for proxy in [near, far] {
        bench.server.fresh("bench")?;
        proxy.take();
        let mut lines = Vec::new();
        for &action in steps {
            let outcome = bench.apps.run(tool, count, action, &proxy.url("bench"))?;
            lines.push((outcome, proxy.take()));
        }
        runs.push(lines);
    }
    let [near, far] = runs.as_slice() else { return Ok(vec![]) };
    let names = ["apply all", "nothing to do", "roll back all"];
    Ok(names
        .into_iter()
        .zip(near.iter().zip(far))
        .map(|(what, ((near, counted), (far, far_counted)))| {
            // With the delay what is sent without waiting shows as one; without it, it may be answered in between.
            let trips = far_counted.trips;
            let note = if counted.trips == trips { "" } else { "*" };
            let each = if what == "nothing to do" { String::new() } else { per(trips, count) };
            let cells = vec![
                counted.connections.to_string(),
                far_counted.start_up_trips.to_string(),
                format!("{trips}{note}"),
                each,
                counted.sent.to_string(),
                counted.received.to_string(),
                table::time(milliseconds(near.inside)),
                table::time(milliseconds(far.inside)),
            ];
            Line { tool, what, cells, far_ms: milliseconds(far.inside) }
        })
        .collect())
}

fn per(trips: usize, count: usize) -> String {
    format!("{:.2}", trips as f64 / count as f64)
}

fn with_ratios(lines: Vec<Line>) -> Vec<Vec<String>> {
    let ours = |what: &str| {
        let line = lines.iter().find(|line| line.tool == Tool::Ours && line.what == what);
        line.map_or(1.0, |line| line.far_ms)
    };
    let row = |line: &Line| {
        let name = format!("{}, {}", line.tool.name(), line.what);
        let ratio = table::ratio(line.far_ms / ours(line.what));
        std::iter::once(name).chain(line.cells.iter().cloned()).chain([ratio]).collect()
    };
    lines.iter().map(row).collect()
}
