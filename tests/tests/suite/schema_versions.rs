//! The same schema has the same text and digest: made again, in another order, with other numbers, seen by another user,
//! and on every server.

use std::collections::BTreeSet;

use migrate_core::schema::Schema;
use migrate_runtime::core::Goal;
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{Database, Migrator};
use migrate_testing::{Binaries, ScratchDatabase};
use migrate_tests::migrations::example;
use migrate_tests::nightly;

use crate::schema_changes::{ServerUnderTest, TOPICS, Topic, migrator, snapshot};

/// Everything that the table of changes begins with, and the example migrations.
fn load(database: &ScratchDatabase, topics: impl Iterator<Item = &'static Topic>) {
    Migrator::new(example()).database(Database::parse(database.url()).unwrap()).run(Goal::UpAll).unwrap();
    let mut client = database.connect().unwrap();
    for topic in topics {
        client.batch_execute(&topic.script()).unwrap_or_else(|error| panic!("{error:?} in {}", topic.name));
    }
}

static ALL: [Topic; 16] = TOPICS;

#[test]
fn the_same_schema_has_the_same_text_however_it_was_made() {
    let server = ServerUnderTest::start(Binaries::find(None).unwrap());
    let [one, other, churned] = [server.database(), server.database(), server.database()];
    load(&one, ALL.iter());
    let schema = snapshot(one.url());
    assert!(schema.len() > 250, "{} objects", schema.len());
    load(&other, ALL.iter().rev());
    same(&schema, &snapshot(other.url()), "made in another order");

    let mut client = churned.connect().unwrap();
    client.batch_execute(CHURN).unwrap();
    load(&churned, ALL.iter());
    // A corpse of a column, pages that moved, numbers that went by.
    client.batch_execute("VACUUM FULL pg_catalog.pg_class").unwrap();
    client
        .batch_execute(
            "ALTER TABLE tables.bare ADD COLUMN gone int; ALTER TABLE tables.bare DROP COLUMN gone",
        )
        .unwrap();
    same(&schema, &snapshot(churned.url()), "with other numbers");
    for database in [&one, &other, &churned] {
        let digest = migrator(database.url()).schema_digest(&SchemaOptions::default()).unwrap();
        assert_eq!(digest, schema.digest());
    }
}

/// Numbers that are used up, so that what comes after has others.
const CHURN: &str = "
    CREATE TABLE churn (a serial PRIMARY KEY, b text UNIQUE);
    CREATE TYPE churn_type AS ENUM ('a', 'b', 'c');
    CREATE FUNCTION churn() RETURNS int LANGUAGE sql AS 'SELECT 1';
    DROP TABLE churn; DROP TYPE churn_type; DROP FUNCTION churn();
    DO $$ BEGIN FOR n IN 1..500 LOOP EXECUTE 'CREATE DOMAIN churn AS int'; EXECUTE 'DROP DOMAIN churn'; END LOOP; END $$;";

/// What a role is set to see the world through: nothing of it may show.
const ODD: &str = "
    ALTER ROLE ddl_odd SET search_path = columns, types, functions, public;
    ALTER ROLE ddl_odd SET DateStyle = 'SQL, DMY';
    ALTER ROLE ddl_odd SET IntervalStyle = 'sql_standard';
    ALTER ROLE ddl_odd SET TimeZone = 'Asia/Tokyo';
    ALTER ROLE ddl_odd SET quote_all_identifiers = on;
    ALTER ROLE ddl_odd SET standard_conforming_strings = off;
    ALTER ROLE ddl_odd SET escape_string_warning = off;
    ALTER ROLE ddl_odd SET extra_float_digits = -5;
    ALTER ROLE ddl_odd SET bytea_output = 'escape';
    ALTER ROLE ddl_odd SET default_transaction_isolation = 'serializable';
    ALTER ROLE ddl_odd SET default_transaction_read_only = on;
    ALTER ROLE ddl_odd SET client_encoding = 'UTF8';
    ALTER ROLE ddl_odd SET row_security = off;
    ALTER ROLE ddl_odd SET enable_hashjoin = off;
    ALTER ROLE ddl_odd SET enable_seqscan = off;
    ALTER ROLE ddl_odd SET role = ddl_alice";

#[test]
fn who_looks_and_with_which_settings_makes_no_difference() {
    let server = ServerUnderTest::start(Binaries::find(None).unwrap());
    let database = server.database();
    load(&database, ALL.iter());
    let schema = snapshot(database.url());
    let mut client = database.connect().unwrap();
    client.batch_execute("CREATE ROLE ddl_odd LOGIN SUPERUSER; CREATE ROLE ddl_nobody LOGIN").unwrap();
    client.batch_execute(ODD).unwrap();

    let odd = as_user(&database, "ddl_odd");
    assert_eq!(client.query_one("SELECT count(*) FROM pg_db_role_setting", &[]).unwrap().get::<_, i64>(0), 1);
    same(&schema, &snapshot(&odd), "with other settings");
    let digest = migrator(&odd).schema_digest(&SchemaOptions::default()).unwrap();
    assert_eq!(digest, schema.digest(), "with other settings");

    // Two things are not for everybody: a subscription's connection, and the options of somebody else's mapping.
    let seen = snapshot(&as_user(&database, "ddl_nobody"));
    let diff = schema.diff(&seen);
    let headings: Vec<_> = diff.changes.iter().map(|change| change.heading()).collect();
    assert_eq!(
        headings,
        ["subscription sub", "user mapping for ddl_alice server ddl_server"],
        "{}",
        diff.text()
    );
}

fn as_user(database: &ScratchDatabase, user: &str) -> String {
    let url = database.url().replacen("postgres://postgres@", &format!("postgres://{user}@"), 1);
    assert!(Database::parse(&url).is_ok() && url.contains(user), "{url}");
    url
}

#[track_caller]
fn same(one: &Schema, other: &Schema, how: &str) {
    let diff = one.diff(other);
    assert!(diff.is_empty(), "{how}:\n{}", diff.text());
    assert_eq!(one.text(), other.text(), "{how}");
    assert_eq!(one.digest(), other.digest(), "{how}");
}

/// What is not the same on all servers: the last version where it is otherwise than on the newest, the headings, why.
const EXCEPTIONS: [(u32, &[&str], &str); 3] = [
    (14, &["schema public"], "made by initdb, with another owner and CREATE for everybody"),
    (
        15,
        &[
            "materialized view labels.kept",
            "materialized view reporting.daily_revenue",
            "materialized view views.kept",
            "view labels.seen",
            "view privileges.seen",
            "view triggers.seen",
            "view views.barred",
            "view views.simple",
        ],
        "over one table: printed with its name before each column, which the server leaves out since 16",
    ),
    (
        17,
        &["subscription sub"],
        "streaming is on unless it is said to be off since 18: another schema by the same script",
    ),
];

#[test]
fn every_version_gives_one_digest() {
    nightly!();
    let schemas = [14, 15, 16, 17, 18].map(|major| {
        let server = ServerUnderTest::start(Binaries::find(Some(major)).unwrap());
        let database = server.database();
        load(&database, ALL.iter());
        let schema = snapshot(database.url());
        let digest = migrator(database.url()).schema_digest(&SchemaOptions::default()).unwrap();
        assert_eq!(digest, schema.digest(), "{major}");
        (major, schema)
    });
    let newest = &schemas[4].1;
    for (major, schema) in &schemas {
        let diff = schema.diff(newest);
        let differ: BTreeSet<_> = diff.changes.iter().map(|change| change.heading()).collect();
        let excepted = EXCEPTIONS.iter().filter(|(until, _, _)| major <= until).flat_map(|(_, all, _)| *all);
        assert_eq!(differ, excepted.copied().collect(), "{major}:\n{}", diff.text());
        let without = |schema: &Schema| {
            let mut schema = schema.clone();
            EXCEPTIONS.iter().flat_map(|(_, all, _)| *all).for_each(|heading| drop(schema.remove(heading)));
            (schema.len(), schema.digest())
        };
        assert_eq!(without(schema), without(newest), "{major}");
        assert!(without(schema).0 > 250, "{major}");
    }
}
