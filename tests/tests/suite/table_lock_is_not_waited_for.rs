//! Promise 4: a migration never waits on a table lock longer than it may, and is tried again (T12); who reads the table
//! meanwhile hardly notices (T13).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use migrate_runtime::core::{Goal as Aim, folder};
use migrate_runtime::{Database, Error, Event, Migrator};
use migrate_tests::invariant::{Effect, Migration};
use migrate_tests::subject::Goal;
use migrate_tests::wait::answer;
use migrate_tests::{Cluster, Subject};

/// What a session has set, as a table: before, and after the migration that had to wait.
const REMEMBER: &str = "INSERT INTO settings SELECT name, setting FROM pg_settings \
                        WHERE name ~ '_timeout$|^search_path$|^role$' AND source <> 'default';\n";

fn subject() -> Subject {
    let first =
        ["CREATE TABLE settings (name text, setting text);\nCREATE TABLE items (id int);\n", REMEMBER]
            .concat();
    let again = ["CREATE TABLE remembered ();\n", REMEMBER].concat();
    let migrations = [
        Migration {
            stem: "0001_create_items",
            up: first.leak(),
            down: "DROP TABLE items;\nDROP TABLE settings;\n",
            effects: &[Effect::Relation("items"), Effect::Relation("settings")],
        },
        Migration {
            stem: "0002_add_price",
            up: "-- migrate: statement-timeout 50s\n-- migrate: lock-timeout 100ms\n\
                 ALTER TABLE items ADD COLUMN price int;\n",
            down: "ALTER TABLE items DROP COLUMN price;\n",
            effects: &[Effect::Column("items", "price")],
        },
        Migration {
            stem: "0003_remember_again",
            up: again.leak(),
            down: "DROP TABLE remembered;\n",
            effects: &[Effect::Relation("remembered")],
        },
    ];
    Subject::with(Cluster::start(), &migrations)
}

/// A database where the first migration is applied, and its URL.
fn first_applied(subject: &Subject) -> (String, String) {
    let database = subject.database(Goal::Up);
    let url = subject.cluster.url(&database);
    subject.environment.capture(&mut subject.command(&url, &["up", "--steps", "1"])).success();
    (database, url)
}

#[test]
fn it_is_tried_again_until_the_table_is_free() {
    let subject = subject();
    let (database, url) = first_applied(&subject);
    let mut holder = subject.client(&database);
    holder.batch_execute("BEGIN; LOCK TABLE items IN ACCESS EXCLUSIVE MODE").unwrap();
    let log = subject.cluster.log();
    let mark = log.mark();
    let mut command = subject.goal(Goal::Up, &url);
    let mut running = migrate_tests::output::spawn(command.args(["--format", "json"]));
    // At least two attempts have failed when the holder goes.
    migrate_tests::until("two attempts", || running.stderr().matches("\"event\":\"retrying\"").count() >= 2);
    assert!(!running.ended(), "{}", running.stderr());
    holder.batch_execute("COMMIT").unwrap();
    drop(holder);
    let ended = running.wait();
    let document: serde_json::Value = serde_json::from_str(&ended.success().stdout).unwrap();
    let done = document["result"]["done"].as_array().unwrap_or_else(|| panic!("{}", ended.stdout));
    let attempts =
        |stem: &str| done.iter().find(|one| one["migration"] == stem).unwrap()["attempts"].as_u64();
    assert!(attempts("0002_add_price") >= Some(3), "{}", ended.stdout);
    assert_eq!(attempts("0003_remember_again"), Some(1));
    let refused = log.errors(mark).iter().filter(|error| error.text.contains("lock timeout")).count();
    assert!(refused >= 2, "{refused}");
    // What the second had set for itself is not there for the third.
    let differences =
        "SELECT count(*) FROM (SELECT name, setting FROM settings GROUP BY 1, 2 HAVING count(*) <> 2) d";
    assert_eq!(answer(&mut subject.client(&database), differences), "0");
    assert_ne!(answer(&mut subject.client(&database), "SELECT count(*) FROM settings"), "0");
    subject.check(Goal::Up, &database, ended.code, "");
}

#[test]
fn the_budget_for_it_is_kept() {
    let subject = subject();
    let (database, url) = first_applied(&subject);
    let mut holder = subject.client(&database);
    holder.batch_execute("BEGIN; LOCK TABLE items IN ACCESS EXCLUSIVE MODE").unwrap();
    let pid: i32 = holder.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    let budget = Duration::from_secs(3);
    let set = folder::read(
        &subject.environment.path("migrations"),
        &folder::Options::new(subject.environment.project()),
    );
    let migrator = Migrator::new(set.unwrap()).database(Database::parse(&url).unwrap()).lock_retry(budget);
    let error = migrator.run(Aim::UpAll).unwrap_err();
    let Error::TableLock { stem, waited, attempts, blockers, .. } = &error else { panic!("{error:?}") };
    assert_eq!(stem, "0002_add_price");
    assert!(*attempts >= 2, "{attempts}");
    assert!(*waited >= budget.mul_f64(0.9) && *waited <= budget.mul_f64(1.1), "{waited:?} of {budget:?}");
    assert!(blockers.iter().any(|blocker| blocker.pid == pid), "{blockers:?}");
    drop(holder);
    // The program ends with 6 for this error (a table in its own tests).
    subject.check(Goal::Up, &database, 6, "the budget was over");
}

#[test]
fn readers_are_not_starved() {
    let subject = subject();
    let (database, url) = first_applied(&subject);
    subject.client(&database).batch_execute("INSERT INTO items VALUES (1)").unwrap();
    // A transaction that has read the table: it is in the way of ALTER TABLE, and in nobody else's.
    let mut holder = subject.client(&database);
    holder.batch_execute("BEGIN; SELECT FROM items").unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let worst = Arc::new(Mutex::new((0.0_f64, 0_usize)));
    let readers: Vec<_> = (0..20)
        .map(|_| {
            let (over, worst, mut client) =
                (Arc::clone(&over), Arc::clone(&worst), subject.client(&database));
            std::thread::spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    // As the server sees it, from the arrival of the statement: how loaded this machine's clients are is
                    // no matter of ours.
                    let sql =
                        "SELECT extract(epoch FROM clock_timestamp() - statement_timestamp()) FROM items";
                    let waited: f64 = answer(&mut client, sql).parse().unwrap();
                    let mut worst = worst.lock().unwrap();
                    *worst = (worst.0.max(waited), worst.1 + 1);
                    drop(worst);
                    std::thread::sleep(Duration::from_millis(20));
                }
            })
        })
        .collect();
    let started = Instant::now();
    let retries = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&retries);
    let options = folder::Options::new(subject.environment.project());
    let set = folder::read(&subject.environment.path("migrations"), &options).unwrap();
    let migrator = Migrator::new(set).database(Database::parse(&url).unwrap()).on_event(move |event| {
        if matches!(event, Event::Retrying { .. }) {
            *counted.lock().unwrap() += 1;
        }
    });
    let run = std::thread::spawn(move || migrator.run(Aim::UpAll));
    migrate_tests::until("five attempts", || *retries.lock().unwrap() >= 5);
    holder.batch_execute("COMMIT").unwrap();
    run.join().unwrap().unwrap();
    over.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.join().unwrap();
    }
    let (waited, reads) = *worst.lock().unwrap();
    println!("{reads} reads in {:?}, the longest waited {waited} s", started.elapsed());
    assert!(reads > 100, "{reads}");
    assert!(waited <= 0.1 + 0.25, "a reader waited {waited} s where lock_timeout is 0.1 s");
    drop(holder);
    subject.check(Goal::Up, &database, 0, "");
}
