//! T38: every example migration, applied, rolled back and applied again by the engine: the schema is what it was.

use migrate_runtime::Migrator;
use migrate_runtime::core::Goal;
use migrate_runtime::schema::SchemaOptions;
use migrate_tests::dump;
use migrate_tests::migrations::{database, example, good};

const HISTORY: [&str; 2] = ["schema_migrations", "schema_migrations_log"];

#[test]
fn each_example_migration_there_and_back_again() {
    let scratch = migrate_testing::scratch().unwrap();
    let runner = Migrator::new(example()).database(database(scratch.url()));
    let schema = || dump::schema(scratch.url(), &HISTORY);
    let mut before = schema();
    for migration in example().migrations.iter() {
        good(runner.run(Goal::UpSteps(1)));
        let first = (schema(), scratch.schema().unwrap());
        good(runner.run(Goal::DownSteps(1)));
        similar(&schema(), &before, &migration.stem);
        good(runner.run(Goal::UpSteps(1)));
        let again = (schema(), scratch.schema().unwrap());
        similar(&again.0, &first.0, &migration.stem);
        assert_eq!(again.1, first.1, "{}", migration.stem);
        before = first.0;
    }
    good(runner.verify());
    // All at once ends where one by one did.
    let at_once = migrate_testing::scratch().unwrap();
    good(Migrator::new(example()).database(database(at_once.url())).run(Goal::UpAll));
    assert_eq!(at_once.schema().unwrap(), scratch.schema().unwrap());
}

#[track_caller]
fn similar(found: &str, expected: &str, stem: &str) {
    for (found, expected) in found.split('\n').zip(expected.split('\n')) {
        assert_eq!(found, expected, "{stem}");
    }
    assert_eq!(found.len(), expected.len(), "{stem}");
}

#[test]
fn our_own_tables_are_what_their_snapshot_says() {
    let scratch = migrate_testing::scratch().unwrap();
    let runner = Migrator::new(example()).database(database(scratch.url()));
    good(runner.run(Goal::UpAll));
    let with_ours = good(runner.schema(&SchemaOptions { history: None, ..SchemaOptions::portable() }));
    let without = good(runner.schema(&SchemaOptions::portable()));
    let ours = with_ours.objects().filter(|object| without.get(&object.heading).is_none());
    insta::assert_snapshot!(
        "history_tables",
        ours.map(|object| object.text()).collect::<Vec<_>>().join("\n")
    );
}
