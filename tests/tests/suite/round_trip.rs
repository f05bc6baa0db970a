//! T38: every example migration, applied, rolled back and applied again by the engine: the schema is what it was.

use migrate_runtime::Migrator;
use migrate_runtime::core::Goal;
use migrate_testing::schema::listing;
use migrate_tests::dump;
use migrate_tests::migrations::{database, example, good};

const HISTORY: [&str; 2] = ["schema_migrations", "schema_migrations_log"];

#[test]
fn each_example_migration_there_and_back_again() {
    let scratch = migrate_testing::scratch().unwrap();
    let runner = Migrator::new(example()).database(database(scratch.url()));
    let mut client = scratch.connect().unwrap();
    let schema = || dump::schema(scratch.url(), &HISTORY);
    let mut before = schema();
    for migration in example().migrations.iter() {
        good(runner.run(Goal::UpSteps(1)));
        let first = (schema(), listing(&mut client).unwrap());
        good(runner.run(Goal::DownSteps(1)));
        similar(&schema(), &before, &migration.stem);
        good(runner.run(Goal::UpSteps(1)));
        let again = (schema(), listing(&mut client).unwrap());
        similar(&again.0, &first.0, &migration.stem);
        assert_eq!(again.1, first.1, "{}", migration.stem);
        before = first.0;
    }
    good(runner.verify());
    // All at once ends where one by one did.
    let at_once = migrate_testing::scratch().unwrap();
    good(Migrator::new(example()).database(database(at_once.url())).run(Goal::UpAll));
    assert_eq!(listing(&mut at_once.connect().unwrap()).unwrap(), listing(&mut client).unwrap());
}

#[track_caller]
fn similar(found: &str, expected: &str, stem: &str) {
    for (found, expected) in found.split('\n').zip(expected.split('\n')) {
        assert_eq!(found, expected, "{stem}");
    }
    assert_eq!(found.len(), expected.len(), "{stem}");
}

#[test]
fn the_example_schema_is_what_its_snapshot_says() {
    let scratch = migrate_testing::scratch().unwrap();
    good(Migrator::new(example()).database(database(scratch.url())).run(Goal::UpAll));
    let mut client = scratch.connect().unwrap();
    // What only our own tables add to a run with psql, whose listing has the snapshot.
    let listed = listing(&mut client).unwrap();
    client.batch_execute("DROP TABLE schema_migrations, schema_migrations_log").unwrap();
    let without = listing(&mut client).unwrap();
    let ours: Vec<_> = listed.split("\n\n").filter(|object| !without.contains(*object)).collect();
    insta::assert_snapshot!("history_tables", ours.join("\n\n"));
    let snapshot = |era: &str| {
        format!(
            "{}/tests/suite/snapshots/suite__example_migrations__example_schema@{era}.snap",
            env!("CARGO_MANIFEST_DIR")
        )
    };
    let era = if migrate_testing::Binaries::find(None).unwrap().major < 16 { "14" } else { "16" };
    let snapshot = std::fs::read_to_string(snapshot(era)).unwrap();
    for object in without.split("\n\n").filter(|object| !object.starts_with("schema public\n")) {
        assert!(snapshot.contains(object.trim_end()), "not what psql made:\n{object}");
    }
}
