//! What each part of our message costs: the parts taken away one by one from the exact SQL of a run.

use postgres::SimpleQueryMessage;

use migrate_core::folder::Options;
use migrate_runtime::core::Goal;
use migrate_runtime::{Database, Migrator};

use crate::Result;
use crate::measure::Bench;
use crate::stats::{median, milliseconds, timed};
use crate::table;
use crate::tool::Tool;
use crate::workload;

/// A variant: its name, and whether it keeps a line of the message.
struct Variant {
    name: &'static str,
    without: &'static [&'static str],
}

/// Each by the beginning of the lines that it leaves out.
const VARIANTS: [Variant; 8] = [
    Variant { name: "whole", without: &[] },
    Variant { name: "without the RESETs after COMMIT", without: &[AFTER] },
    Variant { name: "without SET LOCAL", without: &["SET LOCAL"] },
    Variant { name: "without the fence and transaction id", without: &["SELECT pg_catalog.set_config(", "RESET SESSION AUTHORIZATION;RESET ROLE;\n"] },
    Variant { name: "without the history guard", without: &["SELECT CASE WHEN (SELECT count(*)"] },
    Variant { name: "without the transaction guard", without: &["SELECT CASE WHEN pg_catalog.current_setting("] },
    Variant { name: "without the history row", without: &["INSERT INTO \"public\".\"schema_migrations\" "] },
    Variant { name: "without the audit line", without: &["INSERT INTO \"public\".\"schema_migrations_log\" "] },
];
/// The RESETs that follow the commit.
const AFTER: &str = "RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL";

pub fn measure(bench: &Bench<'_>) -> Result<()> {
    for &count in &bench.arguments.counts {
        let folder = workload::folder(Tool::Ours, count);
        let set = migrate_core::folder::read(&folder, &Options::new(workload::root()))
            .map_err(|error| error.to_string())?;
        let url = bench.server.fresh("parts")?;
        let migrator = Migrator::new(set).database(Database::parse(&url)?);
        let sql = migrator.dry_run(Goal::UpAll)?.sql;
        let Some(first) = sql.iter().position(|message| message.contains("CREATE TABLE item_")) else {
            return Err("no message of the dry run makes the first table".into());
        };
        let (setup, messages) = (&sql[..first], &sql[first..]);
        let mut times = vec![vec![]; VARIANTS.len() + 2];
        for round in 0..bench.arguments.runs {
            eprintln!("parts: {count} migrations, round {} of {}", round + 1, bench.arguments.runs);
            for turn in 0..times.len() {
                let index = (turn + round) % times.len();
                let spent = match VARIANTS.get(index) {
                    Some(variant) => send(bench, setup, messages.iter().map(|sql| variant.cut(sql)))?,
                    // Inside a transaction of its own making, and with none but the server's.
                    None if index == VARIANTS.len() => {
                        let body = |n| format!("BEGIN;{}\nCOMMIT", workload::up_sql(n));
                        send(bench, setup, (1..=count).map(body))?
                    }
                    None => send(bench, setup, (1..=count).map(workload::up_sql))?,
                };
                times[index].push(spent);
            }
        }
        show(&times, count);
        println!("\nThe first message of the run:\n\n```sql\n{}\n```", messages[0].trim());
    }
    Ok(())
}

impl Variant {
    fn cut(&self, sql: &str) -> String {
        let kept = sql.split_inclusive('\n').filter(|line| !self.without.iter().any(|start| line.starts_with(start)));
        kept.collect()
    }
}

fn send(bench: &Bench<'_>, setup: &[String], messages: impl Iterator<Item = String>) -> Result<f64> {
    bench.server.fresh("parts")?;
    let mut client = bench.server.client("parts")?;
    for sql in setup {
        client.batch_execute(sql)?;
    }
    client.batch_execute("ROLLBACK")?;
    let messages: Vec<_> = messages.collect();
    let (spent, ()) = timed(|| {
        for sql in &messages {
            let rows: Vec<SimpleQueryMessage> = client.simple_query(sql)?;
            drop(rows);
        }
        Ok(())
    })?;
    bench.server.expect_items("parts", messages.len())?;
    Ok(milliseconds(spent))
}

fn show(times: &[Vec<f64>], count: usize) {
    let names = VARIANTS.iter().map(|variant| variant.name);
    let whole = median(&times[0]);
    let bare = median(&times[times.len() - 1]);
    let rows: Vec<Vec<String>> = names
        .chain(["BEGIN, body, COMMIT", "body alone"])
        .zip(times)
        .map(|(name, times)| {
            let time = median(times);
            let each = (whole - time) * 1000.0 / count as f64;
            vec![name.to_owned(), table::time(time), table::ratio(time / bare), format!("{each:.0} µs")]
        })
        .collect();
    table::print(
        &format!("{count} migrations: our message without one of its parts"),
        &["", "time", "× body alone", "saves, a migration"],
        &rows,
    );
}
