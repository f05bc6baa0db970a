//! `preflight`: what roles, databases and addresses are set to, and the limits that are theirs.

use migrate_tests::Cluster;
use postgres::{Client, NoTls};
use serde_json::json;

use crate::preflight::Seen;
use crate::preflight_server::project;

#[test]
fn whoever_starts_read_only_is_told_where_that_is_set() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let mut environment = project(database.url());
    let mut admin = cluster.admin();
    let setting = "default_transaction_read_only";
    for (set, remedy) in [
        (
            format!("ALTER ROLE postgres SET {setting} = 1"),
            format!("ALTER ROLE \"postgres\" RESET {setting};"),
        ),
        (
            format!("ALTER DATABASE {} SET {setting} = true", database.name()),
            format!("ALTER DATABASE \"{}\" RESET {setting};", database.name()),
        ),
        (
            format!("ALTER ROLE postgres IN DATABASE {} SET {setting} = yes", database.name()),
            format!("ALTER ROLE \"postgres\" IN DATABASE \"{}\" RESET {setting};", database.name()),
        ),
    ] {
        admin.batch_execute(&set).unwrap();
        let seen = Seen::failed(&environment, &[]);
        let remedy = format!("SET {setting} = off; {remedy}");
        assert_eq!(seen.only("writable", "failure")["remedy"], remedy, "{set}");
        let mut other = Client::connect(&cluster.url("postgres"), NoTls).unwrap();
        // As psql sends what is typed: one statement, one transaction.
        for statement in remedy.split_inclusive(';') {
            other.batch_execute(statement).unwrap();
        }
        assert_eq!(Seen::passed(&environment, &[]).severity("writable"), "ok", "{remedy}");
    }
    environment.set_var("DATABASE_URL", format!("{}&options=-c%20{setting}%3Don", database.url()));
    let seen = Seen::failed(&environment, &[]);
    assert!(seen.only("writable", "failure")["remedy"].as_str().unwrap().contains("PGOPTIONS"));
}

#[test]
fn each_timeout_is_told_as_far_as_a_run_does_not_set_it_itself() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let environment = project(database.url());
    let mut admin = cluster.admin();
    admin.batch_execute("ALTER ROLE postgres SET lock_timeout = '3s'").unwrap();
    let seen = Seen::passed(&environment, &[]);
    assert_eq!(seen.only("timeouts", "info")["data"], json!({ "setting": "lock_timeout", "ms": 3000 }));
    admin.batch_execute("ALTER ROLE postgres RESET lock_timeout").unwrap();
    assert_eq!(Seen::passed(&environment, &[]).severity("timeouts"), "ok");
    if cluster.server().binaries().major >= 17 {
        admin.batch_execute("ALTER ROLE postgres SET transaction_timeout = '90s'").unwrap();
        let seen = Seen::passed(&environment, &[]);
        let finding = seen.only("timeouts", "warning");
        assert_eq!(finding["data"], json!({ "setting": "transaction_timeout", "ms": 90_000 }));
        admin.batch_execute(finding["remedy"].as_str().unwrap()).unwrap();
        assert_eq!(Seen::passed(&environment, &[]).severity("timeouts"), "ok");
    }
}

#[test]
fn the_last_connections_and_those_of_a_database_are_told() {
    let cluster = Cluster::builder().setting("max_connections", "60").start();
    let database = cluster.database();
    let environment = project(database.url());
    // A superuser is held to the server's limit only.
    let mut client = database.connect().unwrap();
    client
        .batch_execute(&format!(
            "CREATE ROLE app LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO app; GRANT CREATE ON SCHEMA public TO app; \
             ALTER TABLE orders OWNER TO app; ALTER DATABASE {} CONNECTION LIMIT 3; GRANT pg_monitor TO app",
            database.name()
        ))
        .unwrap();
    let mut environment = environment;
    environment.set_var("DATABASE_URL", database.url().replace("//postgres@", "//app@"));
    let of = format!("database \"{}\"", database.name());
    let seen = Seen::failed(&environment, &[]);
    assert_eq!(seen.only("connections", "failure")["data"]["of"], of);
    client.batch_execute(&format!("ALTER DATABASE {} CONNECTION LIMIT -1", database.name())).unwrap();
    assert_eq!(Seen::passed(&environment, &[]).severity("connections"), "info");
    // 57 are not reserved: with 52 and ours taken less than a tenth is left, and a run has its three.
    let taken: Vec<_> = (0..51).map(|_| database.connect().unwrap()).collect();
    let seen = Seen::passed(&environment, &[]);
    let finding = seen.only("connections", "warning");
    assert_eq!(finding["data"]["of"], "the server", "{finding:#}");
    drop(taken);
    migrate_tests::poll_until(
        &mut client,
        "SELECT count(*) < 10 FROM pg_stat_activity WHERE backend_type = 'client backend'",
        "t",
    );
    assert_eq!(Seen::passed(&environment, &[]).severity("connections"), "info");
}

#[test]
fn an_older_version_that_lint_was_told_is_a_fact() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let environment = project(database.url());
    let major = cluster.server().binaries().major;
    if major == 14 {
        return;
    }
    environment.write(
        "Cargo.toml",
        format!(
            "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\
             [package.metadata.migrate.lint]\nserver-version = {}\n",
            major - 1
        ),
    );
    let seen = Seen::passed(&environment, &[]);
    assert_eq!(seen.only("server-version", "info")["data"], json!({ "server": major, "lint": major - 1 }));
}

#[test]
fn what_an_environment_was_and_cannot_be_read_is_told() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let environment = project(database.url());
    environment.run(&["lock"]).success();
    environment.write(
        "Cargo.toml",
        "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\
         [package.metadata.migrate.env.staging]\ndatabase = \"env:DATABASE_URL\"\n",
    );
    assert_eq!(Seen::passed(&environment, &["--env", "staging"]).severity("environment"), "ok");
    environment.write(".migrate/log/environment-staging.json", "{");
    let seen = Seen::passed(&environment, &["--env", "staging"]);
    assert!(seen.only("environment", "warning")["what"].as_str().unwrap().contains("cannot be read"));
}
