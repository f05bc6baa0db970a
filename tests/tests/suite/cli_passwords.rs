//! T33: a password that the program was given, in whichever form, or that stands in a script, is nowhere in what it says,
//! writes, records, or hands to others. The harness itself fails each test whose output, or whose project's files, have
//! the canary in them; these tests give it all the ways in and walk all the ways out.

use std::os::unix::fs::PermissionsExt;

use migrate_tests::output::{CANARY, leaks};
use migrate_tests::wait::{answer, poll_until};
use migrate_tests::{Cluster, TestEnvironment};

/// A password that a URL and a keyword string have to write otherwise, with the canary in it.
fn special() -> String {
    format!("p@:/%?#&'\\ {CANARY}")
}

fn percent_encoded(password: &str) -> String {
    password.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// A server that asks for a password on TCP. It is sent as it is: how it is hashed on the way is no part of this, and a
/// debug build takes a second for SCRAM.
fn cluster(password: &str) -> Cluster {
    let cluster = Cluster::builder().tcp().hba("local all all trust\nhost all all all password\n").start();
    let sql = format!("ALTER ROLE postgres PASSWORD '{}'", password.replace('\'', "''"));
    cluster.admin().batch_execute(&sql).unwrap();
    cluster
}

/// A project with a migration, which is told of no database yet.
fn project() -> TestEnvironment {
    let environment = TestEnvironment::without_database();
    environment.migration("0001_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    environment
}

/// Every way to give a password.
fn ways(cluster: &Cluster, password: &str) -> Vec<TestEnvironment> {
    let port = cluster.server().port().to_string();
    let encoded = percent_encoded(password);
    let quoted = password.replace('\\', "\\\\").replace('\'', "\\'");
    let urls = [
        format!("postgres://postgres:{encoded}@127.0.0.1:{port}/postgres"),
        format!("postgresql://127.0.0.1:{port}/postgres?user=postgres&password={encoded}"),
        format!("host=127.0.0.1 port={port} user=postgres dbname=postgres password='{quoted}'"),
    ];
    let mut ways: Vec<_> = urls
        .iter()
        .map(|url| {
            let mut environment = project();
            environment.set_var("DATABASE_URL", url);
            environment
        })
        .collect();
    let parts =
        [("PGHOST", "127.0.0.1"), ("PGPORT", &port), ("PGUSER", "postgres"), ("PGDATABASE", "postgres")];
    let by_parts = || {
        let mut environment = project();
        for (name, value) in parts {
            environment.set_var(name, value);
        }
        environment
    };
    let mut environment = by_parts();
    environment.set_var("PGPASSWORD", password);
    ways.push(environment);
    let mut environment = by_parts();
    let escaped = password.replace('\\', "\\\\").replace(':', "\\:");
    let file = environment.write("pgpass", format!("*:*:*:postgres:{escaped}\n"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    environment.set_var("PGPASSFILE", file);
    ways.push(environment);
    let environment = project();
    environment.write(".env", format!("DATABASE_URL='{}'\n", urls[0]));
    ways.push(environment);
    ways
}

#[test]
fn every_way_in_and_every_way_out() {
    for password in [CANARY.to_owned(), special()] {
        let cluster = cluster(&password);
        for environment in ways(&cluster, &password) {
            let run = |code: i32, arguments: &[&str]| {
                let output = environment.run(arguments);
                output.expect(code);
                assert!(output.stderr.contains("127.0.0.1"), "the settings are told: {}", output.stderr);
            };
            run(0, &["up", "-vvv"]);
            run(0, &["history", "-vvv"]);
            run(0, &["status", "-vvv", "--format", "json"]);
            run(0, &["down", "-vvv", "--format", "json"]);
        }
        let mut admin = cluster.admin();
        let recorded = answer(&mut admin, "SELECT string_agg(t::text, ' ') FROM schema_migrations_log AS t");
        assert!(!leaks(&recorded) && recorded.contains("0001_a"), "{recorded}");
    }
}

#[test]
fn every_way_to_fail() {
    let cluster = cluster(CANARY);
    let port = cluster.server().port();
    let environment = project();
    let urls = [
        (6, format!("postgres://postgres:not-{CANARY}@127.0.0.1:{port}/postgres")),
        (6, format!("postgres://postgres:{CANARY}@127.0.0.1:{port}/no_such_database")),
        (6, format!("postgres://postgres:{CANARY}@127.0.0.1:1/postgres")),
        (6, format!("postgres://postgres:{CANARY}@no-such-host.invalid/postgres")),
        (6, format!("postgres://postgres:{CANARY}@127.0.0.1:{port}/postgres?sslmode=require")),
        (5, format!("postgres://postgres:{CANARY}@127.0.0.1:{port}/postgres?no_such_key=1")),
        (5, format!("postgres://postgres:{CANARY}@127.0.0.1:port/postgres")),
        (5, format!("host=127.0.0.1 password={CANARY} oops")),
        (5, format!("host=127.0.0.1 password='{CANARY}")),
        (5, format!("mysql://root:{CANARY}@127.0.0.1/x")),
    ];
    for (code, url) in urls {
        for format in ["human", "json"] {
            environment.run(&["up", "-vvv", "--format", format, "--database-url", &url]).expect(code);
        }
    }
    // In the metadata, where it should not be; cargo itself is asked for them.
    let url = format!("postgres://postgres:not-{CANARY}@127.0.0.1:{port}/postgres");
    let manifest = environment.read("Cargo.toml");
    environment.write("Cargo.toml", format!("{manifest}[package.metadata.migrate]\ndatabase = \"{url}\"\n"));
    environment.run(&["up", "-vvv"]).expect(6);
    environment.write("Cargo.toml", format!("{manifest}[package.metadata.migrate]\ndatabse = \"{url}\"\n"));
    environment.run(&["up", "-vvv"]).expect(5);
    environment.write("Cargo.toml", format!("{manifest}[package.metadata.migrate]\nlock-wait = \"{url}\"\n"));
    environment.run(&["up", "-vvv"]).expect(5);
    environment.write("Cargo.toml", manifest);
    environment.write(".env", format!("DATABASE_URL='postgres://a:{CANARY}@b\n"));
    environment.run(&["up", "-vvv"]).expect(5);
}

#[test]
fn neither_a_child_nor_the_server_is_told_more_than_it_needs() {
    let cluster = cluster(CANARY);
    let port = cluster.server().port();
    let mut environment = TestEnvironment::without_database();
    environment.set_var("DATABASE_URL", format!("postgres://postgres:{CANARY}@127.0.0.1:{port}/postgres"));
    environment.migration(
        "0001_a",
        "-- migrate: lock-timeout 10min\nSELECT pg_advisory_xact_lock(9);\n",
        "SELECT 1;\n",
    );
    // A cargo that writes down what it is called with.
    let cargo = environment.write("cargo.sh", "#!/bin/sh\necho \"$0 $*\" >>cargo.log\nexec cargo \"$@\"\n");
    std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).unwrap();
    environment.set_var("CARGO", cargo);
    let mut admin = cluster.admin();
    admin.batch_execute("SELECT pg_advisory_lock(9)").unwrap();
    let running = environment.spawn(&["up", "-vvv"]);
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 9 AND NOT granted";
    poll_until(&mut admin, waiting, "1");
    let sessions = answer(&mut admin, "SELECT string_agg(t::text, ' ') FROM pg_stat_activity AS t");
    assert!(!leaks(&sessions) && sessions.contains("cargo-migrate"), "{sessions}");
    let arguments = std::fs::read(format!("/proc/{}/cmdline", running.pid()));
    assert!(arguments.is_err() || !leaks(&String::from_utf8_lossy(&arguments.unwrap_or_default())));
    admin.batch_execute("SELECT pg_advisory_unlock(9)").unwrap();
    running.wait().success();
    environment.search_files();
    assert!(environment.read("cargo.log").contains("metadata"));
}

#[test]
fn a_secret_in_a_script_is_masked_wherever_the_script_is_shown() {
    let mut environment = TestEnvironment::new();
    let scripts = [
        format!("CREATE ROLE r PASSWORD '{CANARY}' NONSENSE;\n"),
        format!("CREATE ROLE r\n    PASSWORD '{CANARY}'\n    IN ROLE nope;\n"),
        format!("SELECT 1; ALTER ROLE nope WITH ENCRYPTED PASSWORD $x${CANARY}$x$;\n"),
        format!("DO $$ BEGIN EXECUTE 'ALTER ROLE nope PASSWORD ''{CANARY}'''; END $$;\n"),
        format!(
            "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 port=1 password={CANARY}' PUBLICATION p;\n"
        ),
        format!("DO $$ BEGIN RAISE EXCEPTION 'cannot: ALTER ROLE a PASSWORD ''{CANARY}'''; END $$;\n"),
    ];
    for script in &scripts {
        environment.migration("0001_role", script, "SELECT 1;\n");
        for format in ["human", "json"] {
            let dry_run = environment.run(&["up", "--dry-run", "--format", format]);
            assert!(dry_run.success().stdout.contains("***"), "{}", dry_run.stdout);
            environment.set_var("COLUMNS", if format == "human" { "20" } else { "100" });
            let output = environment.run(&["up", "-vvv", "--format", format]);
            assert_ne!(output.code, 0, "{script}");
        }
    }
    for format in ["human", "json"] {
        environment.run(&["history", "--format", format]).success();
    }
    let mut client = environment.client();
    let recorded = answer(&mut client, "SELECT string_agg(t::text, ' ') FROM schema_migrations_log AS t");
    assert!(!leaks(&recorded) && recorded.contains("failed"), "{recorded}");

    // A file that the folder refuses is shown at its line.
    environment.migration(
        "0001_role",
        &format!("ALTER ROLE a PASSWORD '{CANARY}'; SELECT 'open;\n"),
        "SELECT 1;\n",
    );
    environment.run(&["up"]).expect(5);
    // Two down scripts that differ.
    let role = format!("role_{}", environment.database().name());
    let down = |password: &str| format!("ALTER ROLE {role} PASSWORD '{password}';\nDROP ROLE {role};\n");
    environment.migration("0001_role", &format!("CREATE ROLE {role};\n"), &down(CANARY));
    environment.run(&["up"]).success();
    environment.migration("0001_role", &format!("CREATE ROLE {role};\n"), &(down(CANARY) + "SELECT 1;\n"));
    for format in ["human", "json"] {
        environment.run(&["down", "--format", format]).expect(1);
    }
    environment.run(&["down", "--use-file-down"]).success();
}
