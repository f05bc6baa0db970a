//! Whatever pg_dump notices, a snapshot of ours notices; and what pg_dump does not see leaves it as it was.

mod columns;
mod constraints;
mod foreign;
mod functions;
mod indexes;
mod labels;
mod operators;
mod privileges;
mod publications;
mod schemas;
mod sequences;
mod server;
mod statements;
mod tables;
mod text_search;
mod triggers;
mod types;
mod unseen;
mod views;

use std::collections::HashSet;
use std::sync::Mutex;

use migrate_core::schema::Schema;
use migrate_runtime::schema::SchemaOptions;
use migrate_testing::Binaries;
use migrate_tests::nightly;
use migrate_tests::subject::in_parallel;

pub use server::{ServerUnderTest, migrator, snapshot};

/// Changes that are tried one after another in a database that `setup` made.
pub struct Topic {
    /// A schema of this name is where `setup` works.
    pub name: &'static str,
    /// What is there before.
    pub setup: &'static str,
    pub changes: &'static [Change],
}

/// One change of a schema, and its undo.
#[derive(Clone, Copy)]
pub struct Change {
    /// The clause of the manual.
    pub clause: &'static str,
    pub make: &'static str,
    pub undo: &'static str,
    since: u32,
    until: u32,
    moves: Option<&'static str>,
    again: Option<&'static str>,
}

const fn change(clause: &'static str, make: &'static str, undo: &'static str) -> Change {
    Change { clause, make, undo, since: 0, until: u32::MAX, moves: None, again: None }
}

impl Change {
    /// The first major version that has it.
    const fn since(self, since: u32) -> Self {
        Self { since, ..self }
    }

    /// The last major version for which it is a change.
    const fn until(self, until: u32) -> Self {
        Self { until, ..self }
    }

    /// The undo brings the same back in another order, for this reason.
    const fn moves(self, why: &'static str) -> Self {
        Self { moves: Some(why), ..self }
    }

    /// The undo brings the same back, but pg_dump prints it in another order, for this reason.
    const fn again(self, why: &'static str) -> Self {
        Self { again: Some(why), ..self }
    }

    fn is_of(&self, major: u32) -> bool {
        (self.since..=self.until).contains(&major)
    }
}

pub const TOPICS: [Topic; 16] = [
    columns::TOPIC,
    constraints::TOPIC,
    foreign::TOPIC,
    functions::TOPIC,
    indexes::TOPIC,
    labels::TOPIC,
    operators::TOPIC,
    privileges::TOPIC,
    publications::TOPIC,
    schemas::TOPIC,
    sequences::TOPIC,
    tables::TOPIC,
    text_search::TOPIC,
    triggers::TOPIC,
    types::TOPIC,
    views::TOPIC,
];

impl Topic {
    /// The setup, in a schema of its own.
    pub fn script(&self) -> String {
        format!("CREATE SCHEMA {0}; SET search_path = {0};\n{1}", self.name, self.setup)
    }
}

/// How many changes one database has to go through: the topics are cut, so that two processors have the same to do.
const PORTION: usize = 24;

struct Portion {
    topic: &'static Topic,
    changes: Vec<Change>,
}

fn portions(major: u32) -> Vec<Portion> {
    static ALL: [Topic; 16] = TOPICS;
    let of = |topic: &'static Topic| {
        let fitting: Vec<_> = topic.changes.iter().filter(|change| change.is_of(major)).copied().collect();
        let cut = fitting.chunks(PORTION).map(|changes| Portion { topic, changes: changes.to_vec() });
        cut.collect::<Vec<_>>()
    };
    // One topic alone, while one works on it.
    let only = std::env::var("SCHEMA_TOPIC").ok();
    ALL.iter().filter(|topic| only.as_deref().is_none_or(|only| only == topic.name)).flat_map(of).collect()
}

#[test]
fn the_table_is_long_and_has_no_entry_twice() {
    let all: usize = TOPICS.iter().map(|topic| topic.changes.len()).sum();
    let old = TOPICS.iter().flat_map(|topic| topic.changes).filter(|change| change.is_of(15)).count();
    assert!(old >= 700 && all >= old + 20, "{old} entries for version 15, {all} in all");
    for topic in &TOPICS {
        let clauses: HashSet<_> = topic.changes.iter().map(|change| change.clause).collect();
        assert_eq!(clauses.len(), topic.changes.len(), "{}", topic.name);
        let made: HashSet<_> = topic.changes.iter().map(|change| change.make).collect();
        assert_eq!(made.len(), topic.changes.len(), "{}", topic.name);
        assert!(topic.changes.iter().all(|change| change.make != change.undo), "{}", topic.name);
    }
}

#[test]
fn every_change_that_pg_dump_notices_is_noticed() {
    let failures = failures_on(Binaries::find(None).unwrap());
    assert!(failures.is_empty(), "{}:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_change_is_noticed_on_every_version() {
    nightly!();
    let all = [14, 15, 16, 17, 18].map(|major| failures_on(Binaries::find(Some(major)).unwrap())).concat();
    assert!(all.is_empty(), "{}:\n{}", all.len(), all.join("\n"));
}

/// Tries the whole table and tells all that does not hold.
fn failures_on(binaries: Binaries) -> Vec<String> {
    let server = ServerUnderTest::start(binaries);
    let failures = Mutex::new(Vec::new());
    in_parallel(&portions(server.major), |portion| {
        let found = try_portion(&server, portion);
        failures.lock().unwrap().extend(found.into_iter().map(|what| format!("{}: {what}", server.major)));
    });
    failures.into_inner().unwrap()
}

/// What is wrong with the changes of one database.
fn try_portion(server: &ServerUnderTest, portion: &Portion) -> Vec<String> {
    let mut failures = Vec::new();
    let topic = portion.topic;
    // A snapshot on a new connection costs more than everything else here, and says the same.
    let each_anew = std::env::var_os("MIGRATE_TEST_NIGHTLY").is_some();
    let database = server.database();
    let mut client = database.connect().unwrap();
    if let Err(error) = client.batch_execute(&topic.script()) {
        return vec![format!("{}: its setup: {}", topic.name, told(&error))];
    }
    let mut reader = server::reader(database.url());
    let mut dump = server.dump(&database);
    let mut schema = reader.schema().unwrap();
    for change in &portion.changes {
        let mut fails = |what: String| {
            failures.push(format!("{}: {}: {what}\n    {}", topic.name, change.clause, change.make))
        };
        if let Err(error) = client.batch_execute(change.make) {
            // Nothing of it is left: several statements in one message are one transaction.
            fails(told(&error));
            continue;
        }
        let seen = dump.is_none() || server.dump(&database) != dump;
        if !seen {
            fails("pg_dump does not notice it, so it has no place here".to_owned());
        }
        let changed = reader.schema().unwrap();
        if schema.diff(&changed).is_empty() {
            fails("not noticed".to_owned());
        }
        if each_anew && snapshot(database.url()) != changed {
            fails(format!("another snapshot differs:\n{}", changed.diff(&snapshot(database.url())).text()));
        }
        if Schema::parse(&changed.text()).as_ref() != Ok(&changed) {
            fails(format!("the text is not read as what it was written from:\n{}", changed.text()));
        }
        if let Err(error) = client.batch_execute(change.undo) {
            fails(format!("its undo: {}", told(&error)));
            break;
        }
        let undone = reader.schema().unwrap();
        let diff = schema.diff(&undone);
        match change.moves {
            None if diff.is_empty() => {
                let Some(why) = change.again else { continue };
                let now = server.dump(&database);
                if now.is_some() && (now == dump || !server::same_lines(&now, &dump)) {
                    fails(format!("{why}, and yet pg_dump's lines are not the same ones in another order"));
                }
                dump = now;
                continue;
            }
            Some(_) if diff.is_order_only() => {}
            None => fails(format!("after the undo differs:\n{}", diff.text())),
            Some(why) => {
                fails(format!("{why}, and yet what differs is not the order only:\n{}", diff.text()))
            }
        }
        // What moved stays where it is.
        (schema, dump) = (undone, server.dump(&database));
    }
    // A reader that saw each change come and go says what a new one says, and what the server says.
    let anew = snapshot(database.url());
    if failures.is_empty() && anew != schema {
        failures.push(format!("{}: another snapshot differs:\n{}", topic.name, schema.diff(&anew).text()));
    }
    let digest = migrator(database.url()).schema_digest(&SchemaOptions::default()).unwrap();
    if digest != anew.digest() {
        failures.push(format!("{}: the server has another digest", topic.name));
    }
    // Once for all undos: what one of them left behind, pg_dump sees at the end as well.
    if failures.is_empty() && server.dump(&database) != dump {
        let names: Vec<_> = portion.changes.iter().map(|change| change.clause).collect();
        let difference = server::difference(dump.as_deref(), server.dump(&database).as_deref());
        failures
            .push(format!("{}: pg_dump sees what an undo left, one of {names:?}\n{difference}", topic.name));
    }
    failures
}

fn told(error: &postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string)
}
