//! T32 over the safety harness: names of databases, roles, tables, indexes and environments, what other sessions run, and what
//! the server and PostgreSQL's programs say, reach a terminal and a document as text and as nothing else.

use migrate_tests::{Cluster, Output, TestEnvironment};
use postgres::{Client, NoTls};

/// Clears the screen, links, overwrites, and turns the line around; short enough for a name with something behind it.
pub(crate) const NASTY: &str = "n\u{1b}[2J\u{1b}]8;;x:\u{1b}\\\r\u{8}\u{9b}31m\u{202e}d\u{2066}";

/// What a terminal would obey, and what reorders a line.
fn hostile(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[track_caller]
pub(crate) fn harmless(output: &Output, arguments: &[&str]) {
    for text in [&output.stdout, &output.stderr] {
        assert!(!text.contains(hostile), "{arguments:?}: {text:?}");
    }
}

/// Runs it for people and for programs; returns what people got.
#[track_caller]
fn run(environment: &TestEnvironment, code: i32, arguments: &[&str]) -> String {
    let output = environment.run(&[&["-v"], arguments].concat());
    harmless(output.expect(code), arguments);
    let json = environment.run(&[arguments, &["--format", "json"]].concat());
    harmless(json.expect(code), arguments);
    serde_json::from_str::<serde_json::Value>(&json.stdout).unwrap();
    for line in json.stderr.split_terminator('\n') {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    format!("{}{}", output.stdout, output.stderr)
}

fn encoded(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// A server on which everything has such a name, and a project of an environment with such a name.
fn shop(pending: &[(&str, &str)]) -> (Cluster, TestEnvironment) {
    let cluster = Cluster::builder().setting("max_prepared_transactions", "3").start();
    let mut admin = cluster.admin();
    admin.batch_execute(&format!("CREATE ROLE \"{NASTY}r\" LOGIN SUPERUSER")).unwrap();
    admin.batch_execute(&format!("CREATE DATABASE \"{NASTY}b\"")).unwrap();
    let url = cluster.url(&format!("{NASTY}b"));
    let url = url.replace("postgres@", &format!("{}@", encoded(&format!("{NASTY}r"))));
    let mut environment = TestEnvironment::without_database();
    let manifest = environment.read("Cargo.toml");
    let name = NASTY.replace('\u{1b}', "\\u001b").replace('\r', "\\r").replace('\u{8}', "\\b");
    let name = name.replace("\u{1b}\\", "\\u001b\\\\").replace("\\u001b\\\\r", "\\u001b\\\\\\r");
    let name = name.replace('\u{9b}', "\\u009b");
    environment.write(
        "Cargo.toml",
        format!("{manifest}[package.metadata.migrate.env.\"{name}\"]\nprotected = true\n"),
    );
    environment.set_var("DATABASE_URL", url);
    environment.migration(
        "0001_t",
        &format!(
            "CREATE TABLE \"{NASTY}t\" (id serial PRIMARY KEY, \"{NASTY}c\" text);\n\
             CREATE INDEX \"{NASTY}i\" ON \"{NASTY}t\" (\"{NASTY}c\");\n\
             INSERT INTO \"{NASTY}t\" (\"{NASTY}c\") VALUES ($x${NASTY}$x$);\n\
             ALTER TABLE \"{NASTY}t\" ADD CONSTRAINT \"{NASTY}k\" CHECK (id > 0) NOT VALID;\n"
        ),
        &format!("DROP TABLE \"{NASTY}t\";\n"),
    );
    environment.run(&["up"]).success();
    for (stem, up) in pending {
        environment.migration(stem, up, &format!("DROP TABLE IF EXISTS \"{NASTY}u\";\n"));
    }
    environment.run(&["lock"]).success();
    (cluster, environment)
}

fn client(cluster: &Cluster) -> Client {
    Client::connect(&cluster.url(&format!("{NASTY}b")), NoTls).unwrap()
}

/// What is raised at each loudness, with everything that the server adds to it.
fn raise(level: &str) -> String {
    format!(
        "DO $do$ BEGIN RAISE {level} '%', $t${NASTY}$t$ USING DETAIL = $t${NASTY}$t$, HINT = $t${NASTY}$t$; END $do$;\n"
    )
}

#[test]
fn in_names_and_in_what_others_run() {
    let up = format!(
        "{}ALTER TABLE \"{NASTY}t\" ADD COLUMN \"{NASTY}n\" text;\nCREATE TABLE \"{NASTY}u\" (id int);\n",
        raise("WARNING")
    );
    let (cluster, environment) = shop(&[("0002_u", &up)]);
    let mut other = client(&cluster);
    other.batch_execute(&format!("SET application_name = '{}'", NASTY.replace('\\', "x"))).unwrap();
    other.batch_execute(&format!("BEGIN; LOCK TABLE \"{NASTY}t\" IN ROW EXCLUSIVE MODE")).unwrap();
    other.batch_execute(&format!("SELECT $x${NASTY}$x$")).unwrap();
    let mut admin = client(&cluster);
    admin
        .batch_execute(&format!(
            "BEGIN; CREATE TABLE p (); PREPARE TRANSACTION E'{}'",
            NASTY.replace('\\', "\\\\")
        ))
        .unwrap();
    admin
        .batch_execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid::regclass::text LIKE '%i\"'; \
             SELECT setval(pg_get_serial_sequence(quote_ident(relname), 'id'), 2147483000) FROM pg_class \
             WHERE relkind = 'r' AND relname LIKE 'n%t'",
        )
        .unwrap();
    let told = run(&environment, 1, &["preflight", "--max-transaction-age", "1ms"]);
    assert!(told.contains("n\\u{1b}[2J"), "{told}");
    run(&environment, 3, &["postflight"]);
    run(&environment, 8, &["health"]);
    run(&environment, 0, &["status"]);
    run(&environment, 0, &["deploy", "--dry-run"]);
    // With its table free; what postflight says of the names counts here, not whether it passes.
    drop(other);
    let deployed = environment.run(&["deploy"]);
    harmless(&deployed, &["deploy"]);
    assert!([0, 3].contains(&deployed.code), "{}", deployed.stderr);
}

#[test]
fn in_the_environment_that_is_protected() {
    let (_cluster, mut environment) = shop(&[("0002_u", &format!("CREATE TABLE \"{NASTY}u\" (id int);\n"))]);
    environment.set_var("MIGRATE_ENV", NASTY);
    run(&environment, 1, &["up"]);
    run(&environment, 1, &["deploy", "--on-failure", "restore"]);
    run(&environment, 0, &["preflight"]);
    // The constraint that nobody validated.
    harmless(environment.run(&["deploy"]).expect(3), &["deploy"]);
    run(&environment, 0, &["deploy"]);
    let health = environment.run(&["health"]);
    harmless(&health, &["health"]);
    run(&environment, 0, &["down", "--dry-run"]);
    harmless(&environment.run(&["down"]), &["down"]);
    harmless(environment.run(&["down", "--force", NASTY, "--yes"]).success(), &["down"]);
    // A folder's name, in paths that are told.
    for folder in ["--log-dir", "--backup-dir"] {
        let path = environment.path(NASTY);
        let path = path.to_str().unwrap();
        run(&environment, 0, &["preflight", folder, path]);
        run(&environment, 0, &["backup", "create", folder, path]);
        run(&environment, 0, &["backup", "list", folder, path]);
    }
    harmless(&environment.run(&["doctor"]), &["doctor"]);
}

#[test]
fn in_what_the_server_and_its_programs_say() {
    let (cluster, environment) = shop(&[("0002_u", &raise("EXCEPTION"))]);
    // Rows that no other database takes.
    client(&cluster)
        .batch_execute(&format!(
            "CREATE TABLE kept (note text); \
             CREATE FUNCTION f(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN \
               IF current_database() NOT LIKE 'n%b' THEN RAISE EXCEPTION '%', $1 USING DETAIL = $1, HINT = $1; END IF; \
               RETURN true; END $$; \
             ALTER TABLE kept ADD CHECK (f(note)); INSERT INTO kept VALUES ($x${NASTY}$x$)"
        ))
        .unwrap();
    run(&environment, 0, &["backup", "create"]);
    run(&environment, 1, &["backup", "verify", "--restore"]);
    run(&environment, 1, &["backup", "restore", "--into", "other", "--yes"]);
    let rehearsed = environment.run(&["rehearse", "--backup", "latest"]);
    harmless(&rehearsed, &["rehearse"]);
    assert_ne!(rehearsed.code, 0);
    client(&cluster).batch_execute("DROP TABLE kept; DROP FUNCTION f").unwrap();
    run(&environment, 0, &["backup", "create"]);
    run(&environment, 0, &["backup", "verify"]);
    let told = run(&environment, 2, &["rehearse"]);
    assert!(told.contains("n\\u{1b}[2J"), "{told}");
    run(&environment, 2, &["deploy", "--skip-backup", NASTY]);
    run(&environment, 0, &["deploy", "--dry-run"]);
    run(&environment, 0, &["report", "show"]);
    run(&environment, 0, &["history", "--failed"]);
    run(&environment, 8, &["health"]);
    // A check that finds such rows.
    environment.write(
        "migrations/checks/rows.sql",
        format!("-- {NASTY}\nSELECT \"{NASTY}c\" AS \"{NASTY}f\" FROM \"{NASTY}t\";\n"),
    );
    let told = run(&environment, 3, &["postflight"]);
    assert!(told.contains("n\\u{1b}[2J"), "{told}");
    environment.write("load.sql", format!("SELECT '{NASTY}' FROM \"{NASTY}nothing\";\n"));
    run(&environment, 5, &["rehearse", "--load", "load.sql"]);
}
