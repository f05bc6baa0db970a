//! What each part of our message costs the server, from the exact SQL of a run.
//!
//! The message without its body is built up part by part, each time rolled back, and the least time of many batches is taken: what other
//! processes do to a machine only ever adds. The history has as many rows as in the middle of the run.

use std::time::Instant;

use migrate_core::folder::Options;
use migrate_runtime::core::Goal;
use migrate_runtime::{Database, Migrator};
use postgres::Client;

use crate::Result;
use crate::measure::Bench;
use crate::table;
use crate::tool::Tool;
use crate::workload;

/// Messages a batch, and batches of each.
const BATCH: usize = 20;
const BATCHES: usize = 60;

/// A part: its name, and how its line of the message begins.
const PARTS: [(&str, &str); 8] = [
    ("SET LOCAL timeouts and name", "SET LOCAL"),
    ("fence and transaction id", "SELECT pg_catalog.set_config("),
    ("history guard", "SELECT CASE WHEN (SELECT count(*)"),
    (BODY, "CREATE TABLE"),
    ("RESETs after the body", "RESET SESSION AUTHORIZATION;RESET ROLE;\n"),
    ("transaction guard", "SELECT CASE WHEN pg_catalog.current_setting("),
    ("history row", "INSERT INTO \"public\".\"schema_migrations\" "),
    ("audit line", "INSERT INTO \"public\".\"schema_migrations_log\" "),
];
/// Measured alone: it costs many times the rest, and would hide it.
const BODY: &str = "body alone, with BEGIN and ROLLBACK";
/// After the transaction.
const AFTER: (&str, &str) = ("RESETs after COMMIT", "RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL");

pub fn measure(bench: &Bench<'_>) -> Result<()> {
    for &count in &bench.arguments.counts {
        eprintln!("parts: {count} migrations");
        let folder = workload::folder(Tool::Ours, count);
        let set = migrate_core::folder::read(&folder, &Options::new(workload::root()))
            .map_err(|error| error.to_string())?;
        let url = bench.server.fresh("parts")?;
        let sql = Migrator::new(set).database(Database::parse(&url)?).dry_run(Goal::UpAll)?.sql;
        let messages: Vec<_> = sql.iter().filter(|message| message.contains("CREATE TABLE item_")).collect();
        let first = sql.iter().position(|message| message.contains("CREATE TABLE item_")).unwrap_or(0);
        let mut client = bench.server.client("parts")?;
        for setup in &sql[..first] {
            client.batch_execute(setup)?;
        }
        // The lock's transaction, which has a connection of its own in a run.
        client.batch_execute("COMMIT")?;
        let before = count / 2;
        client.batch_execute(&format!(
            "INSERT INTO schema_migrations (version, checksum) SELECT 'before ' || n, repeat('0', 64) \
             FROM generate_series(1, {before}) n; ANALYZE schema_migrations"
        ))?;
        let message = messages.get(before).ok_or("the dry run has no message for every migration")?;
        let built = build_up(message)?;
        let least = least(&mut client, &built)?;
        let rows: Vec<Vec<String>> = built
            .iter()
            .enumerate()
            .map(|(index, (name, _))| {
                let alone = index == 0 || *name == BODY;
                let cost = least[index] - if alone { 0.0 } else { least[index - 1] };
                vec![(*name).to_owned(), format!("{cost:.0} µs"), format!("{:.0} µs", least[index])]
            })
            .collect();
        table::print(
            &format!("One migration of {count}, half of them applied: what each part of its message costs"),
            &["", "this part", "up to here"],
            &rows,
        );
    }
    Ok(())
}

/// The message without its body, up to and with each of its parts, each rolled back; last the body alone.
fn build_up(message: &str) -> Result<Vec<(&'static str, String)>> {
    let begin = "BEGIN ISOLATION LEVEL READ COMMITTED;\n";
    let mut at: Vec<(&str, usize)> = Vec::new();
    for (name, start) in PARTS.iter().chain([&AFTER]) {
        let found = message.match_indices(start).map(|(index, _)| index);
        // A body's text is in the audit line once more.
        let mut lines = found.filter(|&index| index == 0 || message.as_bytes()[index - 1] == b'\n');
        let index = lines.next().ok_or_else(|| format!("the message has no {name}:\n{message}"))?;
        at.push((name, index));
    }
    if !message.starts_with(begin) || at.windows(2).any(|pair| pair[0].1 >= pair[1].1) {
        return Err(format!("the message is not built as this measure knows it:\n{message}").into());
    }
    let commit = message.rfind("\nCOMMIT;\n").ok_or("the message has no COMMIT")? + 1;
    let mut ours = begin.to_owned();
    let mut built = vec![("BEGIN and ROLLBACK, and the round trip", format!("{ours}ROLLBACK"))];
    let mut body = String::new();
    for (index, (name, _)) in PARTS.iter().enumerate() {
        let end = if index + 1 == PARTS.len() { commit } else { at[index + 1].1 };
        let part = &message[at[index].1..end];
        if *name == BODY {
            body = format!("{begin}{part}ROLLBACK");
        } else {
            ours += part;
            built.push((name, format!("{ours}ROLLBACK")));
        }
    }
    built.push((AFTER.0, format!("{ours}ROLLBACK;\n{}", &message[at[PARTS.len()].1..])));
    built.push((BODY, body));
    Ok(built)
}

/// The least time of a message in microseconds, of each.
fn least(client: &mut Client, built: &[(&str, String)]) -> Result<Vec<f64>> {
    let mut least = vec![f64::INFINITY; built.len()];
    for _ in 0..BATCHES {
        for (least, (_, sql)) in least.iter_mut().zip(built) {
            let started = Instant::now();
            for _ in 0..BATCH {
                client.simple_query(sql)?;
            }
            *least = least.min(started.elapsed().as_secs_f64() * 1e6 / BATCH as f64);
        }
    }
    Ok(least)
}
