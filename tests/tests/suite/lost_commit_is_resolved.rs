//! A connection that breaks during COMMIT (T9): what is reported about the migration is the truth, each time.
//!
//! The connection is cut around each transaction of a run: before and after it is sent, and before three of the server's
//! answers.

use std::sync::Mutex;

use migrate_tests::invariant::{self, Effect, Migration, Recorded};
use migrate_tests::proxy::{Action, Direction, Fault, Record, Trigger, When};
use migrate_tests::subject::{Goal, in_parallel};
use migrate_tests::{Cluster, Proxy, Subject, output};

/// So many migrations, and five cuts for each. More than the fifty claims that are wanted: an answer may overtake the cut
/// behind a message, and then the run knows by itself and nothing has to be claimed.
const MIGRATIONS: usize = 12;
/// At least so many claims of each kind.
const OF_EACH_KIND: usize = 10;

fn migrations() -> Vec<Migration> {
    let one = |number: usize| {
        let text = |text: String| -> &'static str { text.leak() };
        let table = text(format!("table_{number}"));
        Migration {
            stem: text(format!("{number:04}_create_table")),
            up: text(format!("CREATE TABLE {table} (id int);\nINSERT INTO {table} VALUES ({number});\n")),
            down: text(format!("DROP TABLE {table};\n")),
            effects: vec![Effect::Relation(table), Effect::Rows(table, "true", 1)].leak(),
        }
    };
    (1..=MIGRATIONS).map(one).collect()
}

#[test]
fn what_is_reported_is_the_truth() {
    let migrations = migrations();
    let subject = Subject::with(Cluster::start(), &migrations);
    let faults = faults(&subject.undisturbed(Goal::Up), &migrations);
    assert!(faults.len() >= 50, "{}", faults.len());
    let claims = Mutex::new(Vec::new());
    in_parallel(&faults, |fault| {
        let database = subject.database(Goal::Up);
        let proxy = Proxy::start(subject.cluster.upstream());
        proxy.arm(fault.clone());
        let mut command = subject.goal(Goal::Up, &proxy.url(&database));
        let ended = output::capture(command.args(["--format", "json"]));
        let context = format!("{fault:?}\n{}{}{}", ended.stdout, ended.stderr, proxy.transcript());
        assert!(proxy.struck(), "{context}");
        drop(proxy);
        let mut client = subject.client(&database);
        invariant::wait_until_alone(&mut client);
        let document: serde_json::Value =
            serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {context}"));
        let error = &document["error"];
        if error["kind"] == "interfered" {
            assert_eq!(ended.code, 6, "{context}");
            let claimed = error["committed"].as_bool().unwrap_or_else(|| panic!("no answer: {context}"));
            let stem = error["migration"].as_str().unwrap();
            let migration = migrations.iter().find(|migration| migration.stem == stem).unwrap();
            let applied = migration.recorded(&mut client) == Recorded::Applied;
            assert_eq!(claimed, applied, "{context}");
            claims.lock().unwrap().push(claimed);
        }
        drop(client);
        subject.check(Goal::Up, &database, ended.code, &context);
        subject.forget(&database);
    });
    let claims = claims.into_inner().unwrap();
    let committed = claims.iter().filter(|claim| **claim).count();
    println!(
        "{} cuts, {} truthful of {} claims: {committed} committed",
        faults.len(),
        claims.len(),
        claims.len()
    );
    // Both happen, and often.
    assert!(claims.len() >= 50 && committed >= OF_EACH_KIND, "{claims:?}");
    assert!(claims.len() - committed >= OF_EACH_KIND, "{claims:?}");
}

/// Cuts around each transaction: before and after it is sent, before the server's first answer, before its answer to
/// COMMIT, and before its last one.
fn faults(records: &[Record], migrations: &[Migration]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut add = |when, trigger| faults.push(Fault::new(when, trigger, Action::Cut));
    let (mut to_server, mut to_client) = (0, 0);
    let mut in_transaction = false;
    for record in records {
        let text = record.text.as_deref().unwrap_or_default();
        match record.direction {
            Direction::ToServer => {
                to_server += 1;
                in_transaction = migrations.iter().any(|migration| text.contains(migration.up.trim_end()));
                if in_transaction {
                    add(When::Before, Trigger::Frontend(to_server));
                    add(When::After, Trigger::Frontend(to_server));
                }
            }
            Direction::ToClient => {
                to_client += 1;
                if in_transaction && (["BEGIN", "COMMIT"].contains(&text) || record.name == "ReadyForQuery") {
                    add(When::Before, Trigger::Backend(to_client));
                }
            }
        }
    }
    faults
}
