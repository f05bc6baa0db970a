//! No path calls a migration applied whose index is invalid (T27): an interrupted or failed CREATE INDEX CONCURRENTLY
//! leaves one, and with IF NOT EXISTS the server takes it for the real one.

use migrate_tests::invariant::{Effect, Migration};
use migrate_tests::subject::Goal;
use migrate_tests::wait::{answer, poll_until};
use migrate_tests::{Cluster, Subject, invariant};

const INVALID: &str = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";

/// Tables, then an index, with and without IF NOT EXISTS.
fn subject(if_not_exists: &str) -> Subject {
    let index = format!("CREATE UNIQUE INDEX CONCURRENTLY {if_not_exists} items_code_key ON items (code);\n");
    let migrations = [
        Migration {
            stem: "0001_create_items",
            up: "CREATE TABLE items (code int);\nINSERT INTO items SELECT generate_series(1, 10);\n",
            down: "DROP TABLE items;\n",
            effects: &[Effect::Relation("items")],
        },
        Migration {
            stem: "0002_index_items",
            up: index.leak(),
            down: "DROP INDEX CONCURRENTLY IF EXISTS items_code_key;\n",
            effects: &[Effect::Relation("items_code_key")],
        },
    ];
    Subject::with(Cluster::start(), &migrations)
}

/// A database where the table is there.
fn with_table(subject: &Subject) -> (String, String) {
    let database = subject.database(Goal::Up);
    let url = subject.cluster.url(&database);
    subject.environment.capture(&mut subject.command(&url, &["up", "--steps", "1"])).success();
    (database, url)
}

#[test]
fn left_by_a_killed_run() {
    for if_not_exists in ["", "IF NOT EXISTS"] {
        let subject = subject(if_not_exists);
        let (database, url) = with_table(&subject);
        // An old transaction that has written the table: the build waits for it, with the index there and invalid.
        let mut old = subject.client(&database);
        old.batch_execute("BEGIN; INSERT INTO items VALUES (100)").unwrap();
        let mut client = subject.client(&database);
        let running = subject.start(Goal::Up, &url);
        poll_until(&mut client, INVALID, "1");
        assert_eq!(running.kill().code, 137);
        // The server notices that its client is gone though it waits; before that the old transaction must not end.
        let runner = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'cargo-migrate%'";
        poll_until(&mut client, runner, "0");
        old.batch_execute("COMMIT").unwrap();
        drop(old);
        invariant::wait_until_alone(&mut client);
        assert_eq!(answer(&mut client, INVALID), "1");

        let refused = subject.environment.capture(&mut subject.command(&url, &["up", "--no-auto-recover"]));
        refused.expect(7);
        assert!(refused.stderr.contains("public.items_code_key"), "{}", refused.stderr);
        assert_eq!(answer(&mut client, INVALID), "1", "a refusal changes nothing");
        drop(client);
        subject.check(Goal::Up, &database, 137, if_not_exists);
        assert_eq!(answer(&mut subject.client(&database), INVALID), "0");
    }
}

#[test]
fn left_by_a_duplicate() {
    for if_not_exists in ["", "IF NOT EXISTS"] {
        let subject = subject(if_not_exists);
        let (database, url) = with_table(&subject);
        let mut client = subject.client(&database);
        client.batch_execute("INSERT INTO items VALUES (1)").unwrap();

        // As it is, with nothing done about it: the run names what it left.
        let no_recovery = ["up", "--no-auto-recover"];
        for attempt in ["first", "second"] {
            let failed = subject.environment.capture(&mut subject.command(&url, &no_recovery));
            assert_eq!(failed.code, 7, "the {attempt}: {}{}", failed.stdout, failed.stderr);
            assert!(failed.stderr.contains("public.items_code_key"), "the {attempt}: {}", failed.stderr);
            assert_eq!(answer(&mut client, INVALID), "1");
        }
        // With recovery: the index is dropped and built again, which fails again, and leaves nothing.
        let failed = subject.run(Goal::Up, &url);
        failed.expect(2);
        assert!(
            failed.stderr.contains("23505") && failed.stderr.contains("items_code_key"),
            "{}",
            failed.stderr
        );
        assert_eq!(answer(&mut client, INVALID), "0");
        client
            .batch_execute("DELETE FROM items WHERE ctid = (SELECT max(ctid) FROM items WHERE code = 1)")
            .unwrap();
        drop(client);
        subject.check(Goal::Up, &database, failed.code, &failed.stderr);
        assert_eq!(answer(&mut subject.client(&database), INVALID), "0");
    }
}

#[test]
fn a_name_that_is_taken_by_another_invalid_index_is_not_ours() {
    let subject = subject("IF NOT EXISTS");
    let (database, url) = with_table(&subject);
    let mut client = subject.client(&database);
    // Somebody else's failed attempt, by hand, before the migration is run at all.
    client.batch_execute("INSERT INTO items VALUES (1)").unwrap();
    client.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY items_code_key ON items (code)").unwrap_err();
    client
        .batch_execute("DELETE FROM items WHERE ctid = (SELECT max(ctid) FROM items WHERE code = 1)")
        .unwrap();
    assert_eq!(answer(&mut client, INVALID), "1");
    let failed = subject.run(Goal::Up, &url);
    // The server says "already exists, skipping": only the catalog knows.
    assert_eq!(failed.code, 7, "{}{}", failed.stdout, failed.stderr);
    assert!(failed.stderr.contains("public.items_code_key"), "{}", failed.stderr);
    drop(client);
    subject.check(Goal::Up, &database, failed.code, &failed.stderr);
    assert_eq!(answer(&mut subject.client(&database), INVALID), "0");
}
