//! Databases that are not UTF-8: LATIN1 converts, SQL_ASCII does not, and both report positions in their own way.

use migrate_runtime::Error;
use migrate_runtime::core::Goal;
use migrate_tests::Cluster;
use migrate_tests::migrations::{good, migrator};
use migrate_tests::wait::answer;
use postgres::{Client, NoTls};

fn database(cluster: &Cluster, encoding: &str) -> String {
    let name = format!("in_{}", encoding.to_lowercase());
    let create = format!(
        "CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
    );
    cluster.admin().batch_execute(&create).unwrap();
    cluster.url(&name)
}

#[test]
fn the_caret_is_under_the_mistake_in_every_encoding() {
    let cluster = Cluster::start();
    for encoding in ["UTF8", "LATIN1", "SQL_ASCII"] {
        let url = database(&cluster, encoding);
        let good_one = (
            "0001_a",
            "CREATE TABLE \"größe\" (name text); INSERT INTO \"größe\" VALUES ('Ärger: ½ €'::varchar)",
            "DROP TABLE \"größe\"",
        );
        let good_one = (good_one.0, good_one.1.replace('€', "£"), good_one.2);
        let bad = "-- äöü\nSELECT 'éé'; SELECT 'ß' AS x, nowhere;\n";
        let runner = migrator(&url, &[(good_one.0, &good_one.1, good_one.2), ("0002_bad", bad, "SELECT 1")]);
        let error = runner.run(Goal::UpAll).unwrap_err();
        let Error::Failed { failure } = &error else { panic!("{encoding}: {error:?}") };
        assert_eq!(failure.server.code, "42703", "{encoding}");
        let at = failure.position.unwrap_or_else(|| panic!("{encoding}: no position"));
        assert!(bad[at..].starts_with("nowhere"), "{encoding}: {}", &bad[at..]);
        let mut client = Client::connect(&url, NoTls).unwrap();
        assert_eq!(answer(&mut client, "SELECT name FROM \"größe\""), "Ärger: ½ £", "{encoding}");
        assert_eq!(answer(&mut client, "SELECT string_agg(version, ',') FROM schema_migrations"), "0001_a");
        // What is recorded of it rolls it back.
        let report = good(migrator(&url, &[]).run(Goal::DownAll));
        assert_eq!(report.done.len(), 1, "{encoding}");
        assert_eq!(
            answer(&mut client, "SELECT count(*) FROM pg_class WHERE relname LIKE 'gr%e'"),
            "0",
            "{encoding}"
        );
    }
}

/// What the database cannot hold is refused by the server, and nothing of the migration is left.
#[test]
fn a_character_that_the_database_does_not_have_fails_whole() {
    let cluster = Cluster::start();
    let url = database(&cluster, "LATIN1");
    for body in ["CREATE TABLE a (); COMMENT ON TABLE a IS '☃'", "CREATE TABLE a (); -- ☃"] {
        let error = migrator(&url, &[("0001_a", body, "DROP TABLE a")]).run(Goal::UpAll).unwrap_err();
        let Error::Failed { failure } = &error else { panic!("{error:?}") };
        assert_eq!(failure.server.code, "22P05");
        let mut client = Client::connect(&url, NoTls).unwrap();
        assert_eq!(answer(&mut client, "SELECT to_regclass('a')"), "NULL");
        assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations"), "0");
    }
}

/// The digest of the history is the same whatever the server's encoding is: one round trip where nothing is to do.
#[test]
fn a_name_beyond_ascii_is_recognised_as_applied() {
    let cluster = Cluster::start();
    for encoding in ["UTF8", "LATIN1", "SQL_ASCII"] {
        let url = database(&cluster, encoding);
        let runner = migrator(&url, &[("0001_größe", "SELECT 1", "SELECT 2")]);
        good(runner.run(Goal::UpAll));
        let log = cluster.log();
        let mark = log.mark();
        assert!(good(runner.run(Goal::UpAll)).done.is_empty(), "{encoding}");
        assert_eq!(log.statements(mark).len(), 1, "{encoding}: {:?}", log.statements(mark));
    }
}
