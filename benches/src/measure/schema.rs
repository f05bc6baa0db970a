//! The schema of many tables: the whole text, its digest, and the text again after a change, beside `pg_dump`.

use std::process::Command;

use migrate_core::Set;
use migrate_runtime::rehearsal::Rehearsal;
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{Database, Migrator};
use postgres::Client;

use crate::Result;
use crate::app::finish;
use crate::measure::Bench;
use crate::stats::{median, milliseconds, paired_ratio, timed};
use crate::table;

const TABLES: usize = 1000;

/// Five columns and two indexes each.
const MAKE: &str = "DO $$ BEGIN FOR i IN 1..1000 LOOP
    EXECUTE format('CREATE TABLE item_%s (id bigint PRIMARY KEY, name text NOT NULL, email varchar(200),
        total numeric(12,2) DEFAULT 0, created_at timestamptz NOT NULL DEFAULT now())', i);
    EXECUTE format('CREATE INDEX item_%1$s_name ON item_%1$s (name)', i);
END LOOP; END $$";

/// What is done between two reads, in this order, once a round.
const CHANGES: [(&str, &str); 4] = [
    (
        "CREATE TABLE",
        "CREATE TABLE added (id bigint PRIMARY KEY, name text NOT NULL, at timestamptz DEFAULT now())",
    ),
    ("ADD COLUMN", "ALTER TABLE item_500 ADD COLUMN added text"),
    ("CREATE INDEX", "CREATE INDEX added_name ON item_700 (email)"),
    ("DROP TABLE", "DROP TABLE added"),
];
/// What makes the next round begin as this one did.
const UNDO: &str = "ALTER TABLE item_500 DROP COLUMN added; DROP INDEX added_name";

pub fn measure(bench: &Bench<'_>) -> Result<()> {
    let url = bench.server.fresh("schema")?;
    let mut client = bench.server.client("schema")?;
    client.batch_execute(MAKE)?;
    // As found in a database of some age; without it, the server would do the same in the middle of a run.
    client.batch_execute("VACUUM ANALYZE")?;
    let database = Database::parse(&url)?;
    let migrator = Migrator::new(Set::new("", vec![])).database(database.clone());
    let options = SchemaOptions::default();
    let (mut full, mut digest, mut dump, mut first) = (vec![], vec![], vec![], vec![]);
    let mut again = CHANGES.map(|_| vec![]);
    let mut nothing = vec![];
    for round in 0..bench.arguments.runs {
        eprintln!("schema: round {} of {}", round + 1, bench.arguments.runs);
        for turn in 0..3 {
            match (turn + round) % 3 {
                0 => {
                    let (took, schema) = timed(|| Ok(migrator.schema(&options)?))?;
                    full.push(milliseconds(took));
                    expect(schema.len())?;
                }
                1 => digest.push(milliseconds(timed(|| Ok(migrator.schema_digest(&options)?))?.0)),
                _ => dump.push(milliseconds(timed(|| pg_dump(bench, &url))?.0)),
            }
        }
        let mut rehearsal = Rehearsal::connect(&database, options.clone())?;
        let (took, mut before) = timed(|| Ok(rehearsal.schema()?))?;
        first.push(milliseconds(took));
        nothing.push(milliseconds(timed(|| Ok(rehearsal.schema()?))?.0));
        for ((_, change), times) in CHANGES.iter().zip(&mut again) {
            client.batch_execute(change)?;
            let (took, after) = timed(|| Ok(rehearsal.schema()?))?;
            times.push(milliseconds(took));
            if before.diff(&after).is_empty() || after.digest() != migrator.schema_digest(&options)? {
                return Err(format!("the schema read again after {change} is not what there is").into());
            }
            before = after;
        }
        rehearsal.close();
        restore(&mut client)?;
    }
    show(&full, &digest, &dump);
    show_again(&first, &nothing, &again);
    Ok(())
}

fn restore(client: &mut Client) -> Result<()> {
    Ok(client.batch_execute(UNDO)?)
}

fn pg_dump(bench: &Bench<'_>, url: &str) -> Result<()> {
    let mut command = Command::new(bench.server.binaries.program("pg_dump")?);
    command.args(["--schema-only", "--dbname", url]);
    let text = finish(command)?;
    expect(text.matches("CREATE TABLE ").count() + 1)
}

/// The tables, and the schema that they are in.
fn expect(objects: usize) -> Result<()> {
    match objects == TABLES + 1 {
        true => Ok(()),
        false => Err(format!("{objects} objects where {} should be", TABLES + 1).into()),
    }
}

fn show(full: &[f64], digest: &[f64], dump: &[f64]) {
    let row = |name: &str, times: &[f64], goal: &str| {
        let ratio = table::ratio(paired_ratio(dump, times));
        vec![name.to_owned(), table::time(median(times)), ratio, goal.to_owned()]
    };
    table::print(
        &format!("The schema of {TABLES} tables, a connection of its own each time"),
        &["", "time", "faster than pg_dump by", "to reach"],
        &[
            row("ours, text", full, "2.0"),
            row("ours, digest", digest, "2.5"),
            row("pg_dump --schema-only", dump, ""),
        ],
    );
}

fn show_again(first: &[f64], nothing: &[f64], again: &[Vec<f64>]) {
    let row = |name: &str, times: &[f64], goal: &str| {
        let ratio = table::ratio(paired_ratio(first, times));
        vec![name.to_owned(), table::time(median(times)), ratio, goal.to_owned()]
    };
    let mut rows = vec![row("first", first, ""), row("nothing changed", nothing, "10")];
    rows.extend(CHANGES.iter().zip(again).map(|((name, _), times)| row(name, times, "10")));
    table::print(
        "The same read again on the same connection, after a change of somebody else's",
        &["", "time", "faster than the first by", "to reach"],
        &rows,
    );
}
