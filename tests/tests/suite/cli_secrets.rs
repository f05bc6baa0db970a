//! T33 at the command line: every output and every file of these runs is searched for the password by the harness.

use migrate_tests::output::CANARY;
use migrate_tests::{Cluster, TestEnvironment};

/// Every way to name a password, on a server that refuses it; at every loudness, in both formats.
#[test]
fn a_password_that_is_refused_is_never_shown() {
    let cluster =
        Cluster::builder().tcp().hba("local all all trust\nhost all all all scram-sha-256\n").start();
    let port = cluster.server().port();
    let mut environment = TestEnvironment::without_database();
    environment.migration("0001_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    let ways = [
        ("DATABASE_URL", format!("postgres://postgres:{CANARY}@127.0.0.1:{port}/postgres"), 6),
        (
            "DATABASE_URL",
            format!("host=127.0.0.1 port={port} user=postgres password='{CANARY}' dbname=postgres"),
            6,
        ),
        ("DATABASE_URL", format!("postgres://postgres:{CANARY}@127.0.0.1:1/postgres"), 6),
        ("DATABASE_URL", format!("postgres://postgres:{CANARY}@127.0.0.1:{port}/postgres?no_such=1"), 5),
        ("DATABASE_URL", format!("postgres://postgres:{CANARY}@host:port/postgres"), 5),
        ("DATABASE_URL", format!("postgres//{CANARY}"), 5),
        ("PGPASSWORD", CANARY.to_owned(), 6),
    ];
    for (variable, value, code) in ways {
        for name in ["DATABASE_URL", "PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD"] {
            environment.remove_var(name);
        }
        if variable == "PGPASSWORD" {
            environment.set_var("PGHOST", "127.0.0.1").set_var("PGPORT", port.to_string());
            environment.set_var("PGUSER", "postgres").set_var("PGDATABASE", "postgres");
        }
        environment.set_var(variable, &value);
        for more in [
            &["up"][..],
            &["-v", "status"],
            &["-vvv", "up"],
            &["--format", "json", "up"],
            &["up", "--dry-run"],
        ] {
            environment.run(more).expect(code);
        }
        if variable == "DATABASE_URL" {
            environment.remove_var("DATABASE_URL");
            environment.run(&["--database-url", &value, "-vv", "up"]).expect(code);
        }
    }
}

/// A password in a script: masked in progress, in the failure with its caret, in the history and in a dry run's errors.
#[test]
fn a_password_in_a_script_is_masked_wherever_it_is_shown() {
    let environment = TestEnvironment::new();
    let role = format!("secret_{}", environment.database().name());
    environment.migration(
        "0001_role",
        &format!("CREATE ROLE {role} PASSWORD '{CANARY}';\n"),
        &format!("DROP ROLE {role};\n"),
    );
    environment.run(&["-vvv", "up"]).success();
    environment.migration(
        "0002_bad",
        &format!("ALTER ROLE {role} PASSWORD '{CANARY}' NONSENSE;\n"),
        "SELECT 1;\n",
    );
    environment.run(&["-vvv", "up"]).expect(2);
    environment.run(&["--format", "json", "up"]).expect(2);
    environment.migration(
        "0002_bad",
        &format!("ALTER ROLE nobody_{role} PASSWORD '{CANARY}';\n"),
        "SELECT 1;\n",
    );
    environment.run(&["up"]).expect(2);
    environment.run(&["history"]).success();
    environment.run(&["--format", "json", "history"]).success();
    environment.run(&["status"]).success();
    environment.run(&["down", "--dry-run"]).success();
    environment.run(&["down"]).success();
}
