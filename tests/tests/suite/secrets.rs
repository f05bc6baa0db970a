//! T33, the engine's side: a password reaches neither a message, nor a hint, nor `Debug`, nor the database.

use std::sync::{Arc, Mutex};

use migrate_runtime::core::Goal;
use migrate_runtime::{Database, Error, Migrator};
use migrate_tests::Cluster;
use migrate_tests::migrations::{good, set};
use migrate_tests::output::{CANARY, leaks};
use migrate_tests::wait::answer;

fn everything(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n{}", error.hint());
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text += &format!("\n{cause}\n{cause:?}");
        source = cause.source();
    }
    text
}

/// Every way to give a password, on every way to fail with it.
#[test]
fn a_password_is_in_no_error_and_no_debug_output() {
    let cluster =
        Cluster::builder().tcp().hba("local all all trust\nhost all all all scram-sha-256\n").start();
    let port = cluster.server().port();
    let encoded = CANARY.replace('-', "%2D");
    let ways = [
        format!("postgres://postgres:{CANARY}@127.0.0.1:{port}/postgres"),
        format!("postgres://postgres:{encoded}@127.0.0.1:{port}/postgres"),
        format!("postgresql://postgres@127.0.0.1:{port}/postgres?password={CANARY}"),
        format!("host=127.0.0.1 port={port} user=postgres password={CANARY} dbname=postgres"),
        format!(
            "host=127.0.0.1 port={port} user=postgres password='{CANARY}' dbname=postgres connect_timeout=2"
        ),
        format!("postgres://postgres:{CANARY}@127.0.0.1:1/postgres"),
        format!("postgres://postgres:{CANARY}@no-such-host.invalid/postgres"),
        format!("postgres://postgres:{CANARY}@127.0.0.1:{port}/postgres?sslmode=require"),
        format!("postgres://postgres:{CANARY}@127.0.0.1:{port}/postgres?no_such_key=1"),
        format!("postgres://postgres:{CANARY}@127.0.0.1:{port}:7/postgres"),
        format!("postgres://postgres:{CANARY}@@:%zz/postgres"),
        format!("postgres://postgres:{CANARY}/@host/postgres"),
        format!("user=postgres password={CANARY} oops"),
        format!("user=postgres password='{CANARY}"),
        CANARY.to_owned(),
        format!("mysql://root:{CANARY}@127.0.0.1/x"),
    ];
    for way in ways {
        match Database::resolve(Some(&way), &|_| None) {
            Err(error) => assert!(!leaks(&everything(&error)), "{way}: {}", everything(&error)),
            Ok(database) => {
                assert!(!leaks(&format!("{database} {database:?} {database:#?}")), "{way}");
                let runner = Migrator::new(set(&[("0001_a", "SELECT 1", "SELECT 1")])).database(database);
                let error = runner.run(Goal::UpAll).unwrap_err();
                assert!(!leaks(&everything(&error)), "{way}: {}", everything(&error));
            }
        }
    }
    let from_variable = |name: &str| match name {
        "PGHOST" => Some("127.0.0.1".to_owned()),
        "PGPORT" => Some(port.to_string()),
        "PGUSER" | "PGDATABASE" => Some("postgres".to_owned()),
        "PGPASSWORD" => Some(CANARY.to_owned()),
        _ => None,
    };
    let database = good(Database::resolve(None, &from_variable));
    let error = Migrator::new(set(&[])).database(database).status().unwrap_err();
    assert!(!leaks(&everything(&error)), "{}", everything(&error));
}

/// A secret in a script is masked in what is recorded, and the failure of that script tells nothing of it.
#[test]
fn a_secret_in_a_script_is_not_recorded() {
    let cluster = Cluster::start();
    let scratch = cluster.database();
    let database = || good(Database::resolve(Some(scratch.url()), &|_| None));
    let bodies = [
        format!("CREATE ROLE x1 PASSWORD '{CANARY}'"),
        format!("CREATE USER x2 WITH LOGIN ENCRYPTED PASSWORD '{CANARY}'"),
        format!("ALTER ROLE x1 PASSWORD E'{CANARY}'"),
        format!("ALTER USER x2 PASSWORD $tag${CANARY}$tag$"),
        format!("-- migrate: no-transaction\nALTER ROLE x1 PASSWORD '{CANARY}'"),
        format!(
            "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; \
             CREATE USER MAPPING FOR x1 SERVER s OPTIONS (user 'u', password '{CANARY}')"
        ),
    ];
    let stems: Vec<String> = (1..=bodies.len()).map(|number| format!("{number:04}_secret")).collect();
    let migrations: Vec<(&str, &str, &str)> =
        stems.iter().zip(&bodies).map(|(stem, body)| (stem.as_str(), body.as_str(), "SELECT 1")).collect();
    let events = Arc::new(Mutex::new(String::new()));
    let seen = Arc::clone(&events);
    let runner = Migrator::new(set(&migrations))
        .database(database())
        .on_event(move |event| *seen.lock().unwrap() += &format!("{event:?}\n"));
    good(runner.run(Goal::UpAll));
    good(runner.verify());
    let mut client = scratch.connect().unwrap();
    let recorded = answer(&mut client, "SELECT string_agg(t::text, ' ') FROM schema_migrations_log t");
    assert!(!leaks(&recorded), "{recorded}");
    assert!(recorded.contains("PASSWORD"), "{recorded}");
    let told = events.lock().unwrap().clone();
    assert!(!leaks(&told), "{told}");
    let activity = answer(&mut client, "SELECT string_agg(application_name, ' ') FROM pg_stat_activity");
    assert!(!leaks(&activity), "{activity}");

    // The server repeats a part of a statement that it does not understand: what is logged of it is masked.
    let bad = format!("ALTER ROLE x1 PASSWORD '{CANARY}' NONSENSE");
    let with_bad: Vec<_> =
        migrations.iter().copied().chain([("0099_bad", bad.as_str(), "SELECT 1")]).collect();
    let error = Migrator::new(set(&with_bad)).database(database()).run(Goal::UpAll).unwrap_err();
    assert!(!leaks(&error.to_string()) && !leaks(&error.hint()));
    let recorded = answer(&mut client, "SELECT string_agg(t::text, ' ') FROM schema_migrations_log t");
    assert!(!leaks(&recorded) && recorded.contains("failed"), "{recorded}");
    // Rolled back with what was recorded of the down, which carries none here.
    assert_eq!(good(runner.run(Goal::DownAll)).done.len(), bodies.len());
}

/// A down with a secret is needed as it is: it is recorded masked or not at all, and rolled back with the file.
#[test]
fn a_secret_in_a_down_script_is_not_recorded_either() {
    let scratch = migrate_testing::scratch().unwrap();
    let role = format!("r_{}", scratch.name());
    let (up, down) =
        (format!("CREATE ROLE {role}"), format!("ALTER ROLE {role} PASSWORD '{CANARY}'; DROP ROLE {role}"));
    let runner = Migrator::new(set(&[("0001_role", &up, &down)]))
        .database(good(Database::resolve(Some(scratch.url()), &|_| None)));
    good(runner.run(Goal::UpAll));
    let mut client = scratch.connect().unwrap();
    let recorded = answer(&mut client, "SELECT string_agg(t::text, ' ') FROM schema_migrations_log t");
    assert!(!leaks(&recorded), "{recorded}");
    good(runner.run(Goal::DownAll));
    let recorded = answer(&mut client, "SELECT string_agg(t::text, ' ') FROM schema_migrations_log t");
    assert!(!leaks(&recorded), "{recorded}");
}
