//! T33 over the safety harness: a password that was given in whichever way, or that stands in a script, in another session's
//! query, in a reason or in a workload, is in nothing that preflight, backups, rehearsals, deployments and their like say,
//! write, record, or start. The harness searches each output and each file of the project; here are the ways in and out.

use std::os::unix::fs::PermissionsExt;

use migrate_tests::output::{CANARY, leaks};
use migrate_tests::wait::{answer, poll_until};
use migrate_tests::{Cluster, TestEnvironment, file_steps, skip};

/// A server that asks for a password on TCP, and whose log says who came and what they asked.
fn cluster(method: &str) -> Cluster {
    let cluster = Cluster::builder()
        .tcp()
        .hba(&format!("local all all trust\nhost all all all {method}\n"))
        .setting("log_connections", "on")
        .start();
    cluster.admin().batch_execute("CREATE DATABASE shop").unwrap();
    // Said on the socket by the test itself, and not to be found in the log later.
    let mut admin = cluster.admin();
    admin.batch_execute("SET log_statement = 'none'").unwrap();
    admin.batch_execute(&format!("ALTER ROLE postgres PASSWORD '{CANARY}'")).unwrap();
    cluster
}

/// The server's log.
fn log(cluster: &Cluster) -> String {
    std::fs::read_to_string(cluster.server().log()).unwrap()
}

fn project() -> TestEnvironment {
    let environment = TestEnvironment::without_database();
    environment.migration(
        "0001_a",
        "CREATE TABLE a (id int PRIMARY KEY);\nINSERT INTO a VALUES (1);\n",
        "DROP TABLE a;\n",
    );
    environment
}

/// The four ways in which a password is given.
fn ways(port: u16) -> Vec<TestEnvironment> {
    let url = format!("postgres://postgres:{CANARY}@127.0.0.1:{port}/shop");
    let words = format!("host=127.0.0.1 port={port} user=postgres password='{CANARY}' dbname=shop");
    let mut ways = Vec::new();
    for value in [url, words] {
        let mut environment = project();
        environment.set_var("DATABASE_URL", value);
        ways.push(environment);
    }
    let port = port.to_string();
    let parts = [("PGHOST", "127.0.0.1"), ("PGPORT", &port), ("PGUSER", "postgres"), ("PGDATABASE", "shop")];
    for in_a_file in [false, true] {
        let mut environment = project();
        for (name, value) in parts {
            environment.set_var(name, value);
        }
        if in_a_file {
            environment.set_var("HOME", environment.project());
            let file = environment.write(".pgpass", format!("*:*:*:postgres:{CANARY}\n"));
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
        } else {
            environment.set_var("PGPASSWORD", CANARY);
        }
        ways.push(environment);
    }
    ways
}

#[test]
fn a_password_that_was_given_is_nowhere_in_what_the_harness_says_or_keeps() {
    // A debug build takes a second for SCRAM: one way has it, the others send the password as it is.
    for (method, only) in [("scram-sha-256", 0..1), ("password", 1..4)] {
        let cluster = cluster(method);
        for environment in ways(cluster.server().port()).drain(only) {
            cluster.admin().batch_execute("DROP DATABASE shop").unwrap();
            cluster.admin().batch_execute("CREATE DATABASE shop").unwrap();
            let run = |code: i32, arguments: &[&str]| environment.run(arguments).expect(code).clone();
            run(0, &["lock"]);
            run(0, &["-vv", "preflight"]);
            run(0, &["--format", "json", "-vv", "deploy"]);
            if method == "scram-sha-256" {
                continue;
            }
            run(0, &["-vv", "backup", "create", "--as", "plain"]);
            run(0, &["--format", "json", "backup", "create"]);
            run(0, &["-vv", "backup", "list"]);
            run(0, &["-vv", "backup", "show"]);
            run(0, &["-vv", "backup", "verify"]);
            environment.migration("0002_b", "CREATE TABLE b (id int);\n", "DROP TABLE b;\n");
            run(0, &["lock"]);
            run(0, &["-vv", "rehearse"]);
            run(0, &["-vv", "backup", "restore", "--into", "copy", "--yes"]);
            run(0, &["--format", "json", "backup", "restore", "--discard", "copy", "--yes"]);
            run(0, &["--format", "json", "-vv", "postflight"]);
            environment.run(&["-vv", "health"]);
            environment.run(&["--format", "json", "health"]);
            let doctor = environment.run(&["-vv", "doctor"]);
            assert!(doctor.stdout.contains("127.0.0.1"), "{}{}", doctor.stdout, doctor.stderr);
            environment.run(&["--format", "json", "doctor"]);
            run(0, &["-v", "status"]);
            run(0, &["history", "--files"]);
            run(0, &["report", "show"]);
            run(0, &["down", "--all", "--dry-run"]);
        }
        let told = log(&cluster);
        assert!(told.contains("application_name=cargo-migrate"), "{told}");
        assert!(!leaks(&told), "the server was told the password in a statement, a name, or a comment");
    }
}

#[test]
fn a_password_that_is_refused_or_leads_nowhere_is_not_told() {
    let cluster = cluster("password");
    let port = cluster.server().port();
    let environment = project();
    environment.run(&["lock"]).success();
    let verbs: [&[&str]; 12] = [
        &["preflight"],
        &["backup", "create"],
        &["backup", "restore", "--swap", "--yes"],
        &["backup", "verify", "--restore"],
        &["backup", "prune", "--keep", "1", "--yes"],
        &["rehearse"],
        &["postflight"],
        &["deploy"],
        &["deploy", "--dry-run"],
        &["health"],
        &["doctor"],
        &["-v", "status"],
    ];
    let urls = [
        format!("postgres://postgres:not-{CANARY}@127.0.0.1:{port}/shop"),
        format!("host=127.0.0.1 port={port} user=postgres password='not-{CANARY}' dbname=shop"),
        format!("postgres://postgres:{CANARY}@127.0.0.1:{port}/no_such_database"),
        format!("postgres://postgres:{CANARY}@127.0.0.1:port/shop"),
        format!("host=127.0.0.1 password='{CANARY}"),
    ];
    for (turn, url) in urls.iter().enumerate() {
        for (number, verb) in verbs.into_iter().enumerate() {
            // Every other verb in the one form, the others in the other, and the other way round for the next URL.
            let json = (number + turn) % 2 == 0;
            let format = if json { "json" } else { "human" };
            let mut command = environment.command(&[&["-vv", "--format", format], verb].concat());
            let output = environment.capture(command.env("DATABASE_URL", url));
            let reads_files_only = verb.starts_with(&["backup", "prune"]);
            assert!(output.code != 0 || reads_files_only, "{verb:?} {url}: {}", output.stdout);
        }
    }
    // Where other servers can be named.
    environment.run(&["-vv", "backup", "create", "--database-url", &cluster.url("shop")]).success();
    environment.run(&["-vv", "backup", "verify", "--database-url", &cluster.url("shop")]).success();
    for server in [
        format!("postgres://postgres:not-{CANARY}@127.0.0.1:{port}/shop"),
        format!("host=127.0.0.1 password='{CANARY}"),
        format!("postgres://postgres:{CANARY}@127.0.0.1:{port}/postgres"),
    ] {
        for verb in [&["rehearse"][..], &["backup", "verify", "--restore"]] {
            let own = ["--database-url", &cluster.url("shop"), "-vv", "--server", &server];
            environment.run(&[verb, &own].concat());
        }
    }
    assert!(!leaks(&log(&cluster).replace(&format!("not-{CANARY}"), "")));
}

/// Every program that is started, with its arguments, as the kernel was told.
fn started(environment: &TestEnvironment, arguments: &[&str]) -> String {
    let log = environment.path("started.log");
    let command = environment.command(arguments);
    let mut traced = environment.program("strace");
    traced.args(["-f", "--quiet=all", "-s", "4096", "-e", "trace=execve", "-o"]).arg(&log);
    traced.arg("--").arg(command.get_program()).args(command.get_args());
    environment.capture(&mut traced).success();
    std::fs::read_to_string(log).unwrap()
}

#[test]
fn no_program_that_is_started_has_the_password_among_its_arguments() {
    if !file_steps::can() {
        skip!("strace is not installed");
    }
    let cluster = cluster("password");
    let port = cluster.server().port();
    for environment in ways(port) {
        cluster.admin().batch_execute("DROP DATABASE shop").unwrap();
        cluster.admin().batch_execute("CREATE DATABASE shop").unwrap();
        environment.run(&["up"]).success();
        for (program, arguments) in [
            ("pg_dump", &["-vv", "backup", "create", "--as", "directory", "--jobs", "2"][..]),
            ("pg_restore", &["backup", "verify"]),
            ("pg_restore", &["backup", "restore", "--into", "copy", "--yes", "--jobs", "2"]),
            ("pg_dump", &["backup", "create", "--as", "plain"]),
            ("psql", &["backup", "restore", "--into", "other", "--yes"]),
        ] {
            let told = started(&environment, arguments);
            assert!(told.contains(&format!("/{program}\", [")), "{program}: {told}");
            assert!(!leaks(&told), "{told}");
        }
        cluster.admin().batch_execute("DROP DATABASE copy").unwrap();
        cluster.admin().batch_execute("DROP DATABASE other").unwrap();
    }
}

/// A database in a protected environment where secrets stand in whatever can be read: a migration, its check, a query that
/// runs, and a workload.
fn full_of_secrets() -> (TestEnvironment, postgres::Client) {
    let environment = TestEnvironment::new();
    let manifest = environment.read("Cargo.toml");
    environment
        .write("Cargo.toml", manifest + "[package.metadata.migrate.env.production]\nprotected = true\n");
    let role = format!("secret_{}", environment.database().name());
    environment.migration("0001_a", "CREATE TABLE a (id int);\n", "DROP TABLE a;\n");
    environment.run(&["up"]).success();
    environment.migration(
        "0002_role",
        &format!(
            "CREATE ROLE {role} PASSWORD '{CANARY}';\nALTER TABLE a ADD COLUMN b text;\n\
             DO $$ BEGIN RAISE WARNING 'set password={CANARY} now'; END $$;\n"
        ),
        &format!("ALTER ROLE {role} PASSWORD '{CANARY}';\nALTER TABLE a DROP COLUMN b;\nDROP ROLE {role};\n"),
    );
    environment.write(
        "migrations/0002_role.check.sql",
        format!(
            "-- migrate: after\n-- nobody has PASSWORD '{CANARY}'\nSELECT 1 WHERE 'password={CANARY}' = 'x';\n"
        ),
    );
    environment.write(
        "migrations/checks/none.sql",
        format!("-- the password={CANARY} is in no row\nSELECT 'password={CANARY}' AS found FROM a;\n"),
    );
    environment.write("load.sql", format!("SELECT 'ALTER ROLE x PASSWORD ''{CANARY}''' FROM a LIMIT 1;\n"));
    environment.run(&["lock"]).success();
    let mut other = environment.client();
    other
        .batch_execute(&format!(
            "BEGIN; LOCK TABLE a IN ROW EXCLUSIVE MODE; SELECT 'ALTER ROLE x PASSWORD ''{CANARY}'''"
        ))
        .unwrap();
    (environment, other)
}

#[track_caller]
fn both(environment: &TestEnvironment, code: i32, arguments: &[&str]) -> String {
    let mut all = String::new();
    for format in ["human", "json"] {
        let output = environment.run(&[&["-vv", "--format", format], arguments].concat());
        all += &output.expect(code).stdout;
        all += &output.stderr;
    }
    all
}

#[test]
fn a_secret_in_sql_is_masked_by_every_verb_of_the_harness() {
    let (environment, mut other) = full_of_secrets();
    let production = ["--env", "production"];
    let reason =
        format!("it's late: password={CANARY}, PASSWORD '{CANARY}', postgres://app:{CANARY}@db/shop");
    // What another session runs is shown, without the secret.
    let told = both(&environment, 1, &["preflight", "--max-transaction-age", "1ms"]);
    assert!(told.contains("PASSWORD ''***''"), "{told}");
    let allow = format!("long-transactions={reason}");
    both(&environment, 0, &["preflight", "--max-transaction-age", "1ms", "--allow", &allow]);
    environment.run(&["preflight", "--allow", &format!("nothing=password={CANARY}")]).expect(5);
    both(&environment, 0, &[&production[..], &["deploy", "--dry-run"]].concat());
    other.batch_execute("COMMIT").unwrap();
    both(&environment, 0, &["backup", "create"]);
    both(&environment, 0, &["backup", "show"]);
    both(&environment, 0, &["backup", "verify", "--restore"]);
    let told = both(&environment, 0, &["rehearse", "--load", "load.sql", "--warm-up", "100ms"]);
    assert!(told.contains("0002_role"), "{told}");
    environment.write("wrong.sql", format!("SELECT 1;\nALTER ROLE nobody_x PASSWORD '{CANARY}';\n"));
    both(&environment, 5, &["rehearse", "--load", "wrong.sql"]);
    environment.write("wrong.sql", format!("SELECT 1;\nALTER ROLE a PASSWORD '{CANARY}' 'open\n"));
    both(&environment, 5, &["rehearse", "--load", "wrong.sql"]);

    let told = both(&environment, 0, &[&production[..], &["deploy", "--dry-run"]].concat());
    assert!(told.contains("PASSWORD '***'"), "{told}");
    let deploy = [&production[..], &["-vv", "deploy", "--force", &reason, "--skip-backup", &reason]].concat();
    environment.run(&deploy).expect(0);
    // The standing check finds something only when there are rows, and says what.
    environment.client().batch_execute("INSERT INTO a VALUES (1)").unwrap();
    let told = both(&environment, 3, &["postflight"]);
    assert!(told.contains("password=***"), "{told}");
    environment.run(&["health"]);
    environment.run(&["--format", "json", "health"]);
    let down = [&production[..], &["down", "--force", &reason, "--skip-backup", &reason, "--yes"]].concat();
    both(&environment, 0, &[&down[..], &["--dry-run"]].concat());
    environment.run(&down).success();
    let up = [&production[..], &["-vv", "up", "--force", &reason, "--skip-backup", &reason]].concat();
    environment.run(&up).success();
    both(&environment, 0, &["-v", "status"]);
    both(&environment, 0, &["history"]);
    both(&environment, 0, &["history", "--files", "--limit", "10000"]);
    both(&environment, 0, &["report", "list"]);
    for kind in ["preflight", "postflight", "deploy", "rehearse"] {
        both(&environment, 0, &["report", "show", "--kind", kind]);
    }
    both(&environment, 0, &["backup", "list"]);

    let mut client = environment.client();
    let recorded = answer(&mut client, "SELECT string_agg(t::text, ' ') FROM schema_migrations_log AS t");
    assert!(recorded.contains("it's late: password=***"), "{recorded}");
    assert!(!leaks(&recorded), "{recorded}");
    let comments = answer(
        &mut client,
        "SELECT coalesce(string_agg(description, ' '), '') FROM pg_catalog.pg_shdescription",
    );
    assert!(!leaks(&comments), "{comments}");
    let sessions = answer(&mut client, "SELECT string_agg(application_name, ' ') FROM pg_stat_activity");
    assert!(!leaks(&sessions), "{sessions}");
}

#[test]
fn a_program_that_fails_and_quotes_the_secret_is_masked() {
    let environment = TestEnvironment::new();
    environment.migration("0001_a", "CREATE TABLE a (id int);\n", "DROP TABLE a;\n");
    environment.run(&["up"]).success();
    // Rows that no other database takes: pg_restore quotes what the server said of them, and the line that it is at. They
    // are compressed in the archive, which has them, as it must.
    environment
        .client()
        .batch_execute(&format!(
            "CREATE TABLE kept (note text); \
             CREATE FUNCTION f(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN \
               IF current_database() <> '{}' OR current_setting('unix_socket_directories') <> '{}' THEN \
                 RAISE EXCEPTION 'no good: %', $1 USING DETAIL = 'it is ' || $1; \
               END IF; RETURN true; END $$; \
             ALTER TABLE kept ADD CHECK (f(note)); INSERT INTO kept \
             SELECT 'password={CANARY} and postgres://app:{CANARY}@db/shop' FROM generate_series(1, 9)",
            environment.database().name(),
            answer(&mut environment.client(), "SHOW unix_socket_directories"),
        ))
        .unwrap();
    environment.run(&["-vv", "backup", "create"]).success();
    for format in ["human", "json"] {
        let verified = environment.run(&["-vv", "--format", format, "backup", "verify", "--restore"]);
        assert_ne!(verified.code, 0, "{}", verified.stdout);
        assert!(verified.stderr.contains("no good: password=***"), "{}", verified.stderr);
        let restored = environment.run(&[
            "-vv",
            "--format",
            format,
            "backup",
            "restore",
            "--yes",
            "--into",
            "nowhere_x",
        ]);
        restored.expect(1);
    }
    environment.migration("0002_b", "CREATE TABLE b (id int);\n", "DROP TABLE b;\n");
    environment.run(&["lock"]).success();
    let rehearsed = environment.run(&["-vv", "rehearse", "--backup", "latest"]);
    assert_ne!(rehearsed.code, 0);
}

/// What other sessions run is shown where they are in the way, and at the loudest every statement of ours is.
#[test]
fn what_others_run_and_all_that_is_traced_is_masked() {
    let (mut environment, other) = full_of_secrets();
    drop(other);
    environment.set_var("LOG_LEVEL", "trace");
    let role = format!("others_{}", environment.database().name());
    let mut holder = environment.client();
    holder.batch_execute(&format!("CREATE ROLE {role}")).unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE a IN ROW EXCLUSIVE MODE").unwrap();
    holder
        .batch_execute(&format!(
            "ALTER ROLE {role} WITH LOGIN ENCRYPTED PASSWORD '{CANARY}' VALID UNTIL 'infinity'"
        ))
        .unwrap();
    let mut waiter = environment.client();
    waiter.batch_execute(&format!("SET application_name = 'password={CANARY}'")).unwrap();
    let waits = std::thread::spawn(move || {
        let _ = waiter.batch_execute(&format!(
            "/* postgres://app:{CANARY}@db/shop */ LOCK TABLE a; SELECT 'host=x password={CANARY}'"
        ));
    });
    let mut client = environment.client();
    poll_until(
        &mut client,
        "SELECT count(*) FROM pg_locks WHERE relation = 'a'::regclass AND NOT granted",
        "1",
    );
    let loudest = |code: i32, arguments: &[&str]| {
        let mut all = String::new();
        for format in ["human", "json"] {
            let output = environment.run(&[&["-vvv", "--format", format], arguments].concat());
            all += &(output.expect(code).stdout.clone() + &output.stderr);
        }
        all
    };
    let told = loudest(1, &["preflight", "--max-transaction-age", "1ms"]);
    assert!(told.contains("PASSWORD '***'") && told.contains("idle in transaction"), "{told}");
    for format in ["human", "json"] {
        // Who is in the way of the table is told with each attempt.
        let mut up = environment.spawn(&["-vvv", "--format", format, "up", "--lock-timeout", "500ms"]);
        up.wait_for_stderr("ALTER ROLE");
        up.signal(rustix::process::Signal::INT);
        up.wait().expect(130);
    }
    loudest(8, &["health"]);
    holder.batch_execute(&format!("COMMIT; DROP ROLE {role}")).unwrap();
    waits.join().unwrap();

    for (code, verb) in [
        (0, &["backup", "create"][..]),
        (0, &["backup", "verify", "--restore"]),
        (0, &["rehearse"]),
        (0, &["up", "--dry-run"]),
        (0, &["deploy", "--dry-run"]),
        (8, &["status", "--check"]),
        (0, &["doctor"]),
        (0, &["schema"]),
        (0, &["history"]),
        (0, &["repair"]),
    ] {
        loudest(code, verb);
    }
    // Each once, for the second time there is nothing to do.
    let once = |arguments: &[&str]| environment.run(&[&["-vvv"], arguments].concat()).success().clone();
    assert!(once(&["deploy"]).stderr.contains("PASSWORD '***'"));
    once(&["redo"]);
    once(&["drift"]);
    once(&["down"]);
}
