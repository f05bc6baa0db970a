//! Peak of resident memory of the application's process (`VmHWM`).

use crate::Result;
use crate::app::Action;
use crate::measure::Bench;
use crate::stats::median;
use crate::table;

pub fn measure(bench: &Bench<'_>) -> Result<()> {
    for &count in &bench.arguments.counts {
        let mut rows: Vec<(String, [f64; 2])> = Vec::new();
        for &tool in &bench.arguments.tools {
            let mut peaks = [vec![], vec![]];
            for _ in 0..bench.arguments.runs.min(3) {
                let url = bench.server.fresh("bench")?;
                for peak in &mut peaks {
                    let outcome = bench.apps.run(tool, count, Action::Apply, &url)?;
                    peak.push(outcome.peak_kib as f64 / 1024.0);
                }
            }
            rows.push((tool.name().to_owned(), [median(&peaks[0]), median(&peaks[1])]));
        }
        let ours = rows[0].1;
        let rows: Vec<Vec<String>> = rows
            .into_iter()
            .map(|(name, [apply, nothing])| {
                let mib = |value: f64| format!("{value:.1} MiB");
                vec![
                    name,
                    mib(apply),
                    table::ratio(apply / ours[0]),
                    mib(nothing),
                    table::ratio(nothing / ours[1]),
                ]
            })
            .collect();
        table::print(
            &format!("{count} migrations: peak memory"),
            &["", "apply all", "× ours", "nothing to do", "× ours"],
            &rows,
        );
    }
    Ok(())
}
