//! Backups of other servers: of each version, with the programs that fit it, and of a standby.

use migrate_testing::{Binaries, ClientPrograms};
use migrate_tests::{Cluster, TestEnvironment, nightly, until};

use crate::backup_verify::document;

/// A database with something of each kind that pg_dump writes down differently.
const CONTENTS: &str = "CREATE TABLE a (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b text, c jsonb DEFAULT '{}'); \
    INSERT INTO a (b) SELECT repeat('x', n) FROM generate_series(1, 50) n; \
    CREATE UNLOGGED TABLE u (x int); INSERT INTO u VALUES (1); \
    CREATE TABLE p (d int) PARTITION BY LIST (d); CREATE TABLE p1 PARTITION OF p DEFAULT; INSERT INTO p VALUES (1); \
    CREATE VIEW v AS SELECT count(*) FROM a; \
    CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$BEGIN RETURN 1; END$$; \
    CREATE INDEX ON a (b); SELECT lo_from_bytea(0, 'large'); COMMENT ON TABLE a IS 'commented'";

#[test]
fn each_version_is_backed_up_and_restored() {
    nightly!();
    for major in [14, 15, 16, 17, 18] {
        let programs = ClientPrograms::find(major).unwrap();
        assert!(programs.major >= major, "{programs:?}");
        let cluster = Cluster::builder().binaries(Binaries::find(Some(major)).unwrap()).start();
        let database = cluster.database();
        database.connect().unwrap().batch_execute(CONTENTS).unwrap();
        let mut environment = TestEnvironment::without_database();
        environment.set_var("DATABASE_URL", database.url());
        for format in ["custom", "directory", "plain"] {
            let made = document(&environment, &["backup", "create", "--as", format]);
            assert_eq!(made["result"]["tools"]["pg_dump"], programs.banner, "{major}");
            let zstd = programs.has_zstd() && format != "plain";
            assert_eq!(made["result"]["compression"], if zstd { "zstd" } else { "gzip" }, "{major}");
            environment.run(&["backup", "verify", "--restore"]).success();
        }
    }
}

#[test]
fn a_standby_is_backed_up_without_what_is_unlogged() {
    let primary = Cluster::start();
    let database = primary.database();
    database.connect().unwrap().batch_execute(CONTENTS).unwrap();
    let standby = primary.standby();
    let url = standby.url(database.name());
    until("the standby to have it", || {
        let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
        client.query_one("SELECT to_regclass('v') IS NOT NULL", &[]).unwrap().get(0)
    });
    let mut environment = TestEnvironment::without_database();
    environment.set_var("DATABASE_URL", &url);
    let made = document(&environment, &["backup", "create"]);
    assert_eq!(made["result"]["rows"], serde_json::json!({ "public.a": 50, "public.p1": 1 }));
    environment.run(&["backup", "verify", "--restore"]).success();
}
