//! `preflight`: what a server itself is like, each check on a real one put in that state, and silent otherwise.

use migrate_tests::wait::answer;
use migrate_tests::{Cluster, PgBouncer, TestEnvironment, poll_until, skip};
use postgres::{Client, NoTls};
use serde_json::json;

use crate::preflight::Seen;

/// A project on a database of a cluster, with a table and a pending migration that works on it.
pub(crate) fn project(url: &str) -> TestEnvironment {
    let mut environment = TestEnvironment::without_database();
    environment.set_var("DATABASE_URL", url);
    environment.migration("0001_orders", "CREATE TABLE orders (id int);\n", "DROP TABLE orders;\n");
    environment.run(&["up"]).success();
    environment.migration(
        "0002_work",
        "ALTER TABLE orders ADD COLUMN note text;\n",
        "ALTER TABLE orders DROP COLUMN note;\n",
    );
    environment
}

#[test]
fn a_healthy_server_is_worth_no_warning() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let environment = project(database.url());
    let mark = cluster.log().mark();
    let seen = Seen::passed(&environment, &[]);
    for check in seen.result["checks"].as_array().unwrap() {
        let severity = check["severity"].as_str().unwrap();
        // A developer's own disk may be nearly full.
        assert!(matches!(severity, "ok" | "info") || check["check"] == "disk-space", "{check:#}");
    }
    // Nothing was written, no question was wrong, and none of them can write or wait for long.
    let log = cluster.log();
    assert!(log.since(mark).iter().all(|entry| entry.xid == 0), "something got a transaction id");
    assert!(log.errors(mark).is_empty(), "{:?}", log.errors(mark));
    let allowed =
        ["SELECT", "WITH", "BEGIN", "SET LOCAL", "SAVEPOINT", "ROLLBACK", "RELEASE", "COMMIT", "SHOW"];
    for message in log.statements(mark) {
        assert!(allowed.iter().any(|start| message.starts_with(start)), "{message}");
        let settings = message.replace("SET LOCAL", "");
        assert!(!message.contains("pg_try_advisory") && !settings.contains("SET "), "{message}");
    }
    // One question a check, not one a table.
    assert!(log.statements(mark).len() < 50, "{}", log.statements(mark).len());
    assert_eq!(seen.only("disk-space", seen.severity("disk-space"))["data"]["proven"], rustix_is_root());
    let pending = seen.only("pending-migrations", "info");
    assert_eq!(pending["data"]["migrations"][0]["locks"][0]["table"], "public.orders");
    assert_eq!(pending["data"]["migrations"][0]["locks"][0]["mode"], "ACCESS EXCLUSIVE");
    assert_eq!(pending["data"]["migrations"][0]["estimate_ms"], json!(null));
    // What ran here before is what it takes.
    environment.run(&["up"]).success();
    environment.run(&["down"]).success();
    let seen = Seen::passed(&environment, &[]);
    let again = &seen.only("pending-migrations", "info")["data"]["migrations"][0];
    assert!(again["estimate_ms"].is_u64() && again["measured_on"] == "here", "{again}");
}

/// Whether these tests may read the files of the servers that they start.
fn rustix_is_root() -> bool {
    rustix::process::geteuid().is_root() || migrate_testing::ServerUser::current().is_ok()
}

#[test]
fn blocking_chains_have_their_root() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let environment = project(database.url());
    let session =
        |name: &str| Client::connect(&format!("{}&application_name={name}", database.url()), NoTls).unwrap();
    let mut root = session("root");
    root.batch_execute("BEGIN; LOCK TABLE orders IN SHARE MODE").unwrap();
    let waiters: Vec<_> = ["UPDATE orders SET id = 1", "SELECT * FROM orders"]
        .into_iter()
        .zip(["BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE", "SELECT count(*) FROM orders"])
        .map(|(_, sql)| {
            let mut client = session("waiter");
            let sql = sql.to_owned();
            let mut admin = cluster.admin();
            let before: i64 =
                answer(&mut admin, "SELECT count(*) FROM pg_locks WHERE NOT granted").parse().unwrap();
            let thread = std::thread::spawn(move || drop(client.batch_execute(&sql)));
            poll_until(
                &mut admin,
                "SELECT count(*) FROM pg_locks WHERE NOT granted",
                &(before + 1).to_string(),
            );
            thread
        })
        .collect();
    let mut admin = cluster.admin();
    let waited = "SELECT count(*) FROM pg_locks WHERE waitstart < clock_timestamp() - interval '1 s'";
    poll_until(&mut admin, waited, "2");
    let seen = Seen::failed(&environment, &[]);
    let finding = seen.only("blocking-chains", "failure");
    let data = &finding["data"];
    assert_eq!(data["root"]["application"], "root", "{finding:#}");
    assert_eq!(data["blocked"].as_array().unwrap().len(), 2, "{finding:#}");
    assert_eq!(data["blocked"][0]["waits_for"], "AccessExclusiveLock on public.orders");
    assert!(data["blocked"][0]["waited_ms"].as_u64().unwrap() >= 1000);
    assert_eq!(data["blocked"][0]["blocked_by"][0], data["root"]["pid"]);
    let end = finding["remedy"].as_str().unwrap();
    assert_eq!(end, format!("SELECT pg_terminate_backend({});", data["root"]["pid"]));
    // What is typed as it is printed ends it.
    admin.batch_execute(end).unwrap();
    drop(root);
    for waiter in waiters {
        waiter.join().unwrap();
    }
    assert_eq!(Seen::passed(&environment, &[]).severity("blocking-chains"), "ok");
}

#[test]
fn invalid_indexes_and_constraints_that_are_not_valid() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let environment = project(database.url());
    let mut client = database.connect().unwrap();
    client.batch_execute("INSERT INTO orders VALUES (1), (1)").unwrap();
    client.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY orders_id ON orders (id)").unwrap_err();
    client.batch_execute("ALTER TABLE orders ADD CONSTRAINT positive CHECK (id > 0) NOT VALID").unwrap();
    let seen = Seen::passed(&environment, &[]);
    let finding = seen.only("invalid-indexes", "warning");
    assert_eq!(finding["data"]["index"], "public.orders_id");
    let finding = seen.only("not-valid-constraints", "warning");
    assert_eq!(finding["remedy"], "ALTER TABLE public.orders VALIDATE CONSTRAINT positive;");
    client.batch_execute(finding["remedy"].as_str().unwrap()).unwrap();
    // A migration that makes an index of this name would fail.
    environment.migration(
        "0003_index",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_id ON orders (id);\n",
        "DROP INDEX orders_id;\n",
    );
    let seen = Seen::failed(&environment, &[]);
    let finding = seen.only("invalid-indexes", "failure");
    assert_eq!(finding["data"]["migration"], "0003_index");
    assert_eq!(seen.severity("not-valid-constraints"), "ok");
    client.batch_execute(finding["remedy"].as_str().unwrap()).unwrap();
    assert_eq!(Seen::passed(&environment, &[]).severity("invalid-indexes"), "ok");
}

#[test]
fn a_standby_is_no_place_to_migrate() {
    let primary = Cluster::start();
    let database = primary.database();
    let mut environment = project(database.url());
    let standby = primary.standby();
    let mut client = Client::connect(&standby.url("postgres"), NoTls).unwrap();
    environment.set_var("DATABASE_URL", standby.url(database.name()));
    let tables = "SELECT pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn()";
    poll_until(&mut client, tables, "t");
    let mark = standby.log().mark();
    let seen = Seen::failed(&environment, &[]);
    assert_eq!(seen.only("writable", "failure")["what"], "this is a hot standby");
    assert!(standby.log().errors(mark).is_empty(), "{:?}", standby.log().errors(mark));
    // All other checks work there.
    for check in seen.result["checks"].as_array().unwrap() {
        assert!(!check.to_string().contains("could not be looked at"), "{check:#}");
    }
    drop(client);
}

#[test]
fn connections_are_counted_against_every_limit() {
    let cluster = Cluster::builder().setting("max_connections", "12").setting("max_wal_senders", "0").start();
    let database = cluster.database();
    let mut environment = project(database.url());
    assert_eq!(Seen::passed(&environment, &[]).severity("connections"), "info");
    let mut admin = cluster.admin();
    admin.batch_execute("CREATE ROLE app LOGIN SUPERUSER; CREATE ROLE few LOGIN CONNECTION LIMIT 2").unwrap();
    let own = |role: &str| database.url().replace("//postgres@", &format!("//{role}@"));
    database.connect().unwrap().batch_execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO few; GRANT CREATE ON SCHEMA public TO few; ALTER TABLE orders OWNER TO few").unwrap();
    environment.set_var("DATABASE_URL", own("few"));
    let seen = Seen::failed(&environment, &[]);
    let finding = seen.only("connections", "failure");
    assert_eq!(finding["data"]["of"], "role \"few\"", "{finding:#}");

    environment.set_var("DATABASE_URL", database.url());
    let taken: Vec<_> = (0..9).map(|_| database.connect().unwrap()).collect();
    let seen = Seen::failed(&environment, &[]);
    let finding = seen.only("connections", "failure");
    assert_eq!((&finding["data"]["of"], &finding["data"]["limit"]), (&json!("the server"), &json!(12)));
    drop(taken);
}

#[test]
fn a_role_with_few_privileges_is_told_what_it_lacks_and_what_it_may_not_see() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let mut environment = project(database.url());
    environment.migration(
        "0003_more",
        "CREATE TABLE lines (order_id int);\nINSERT INTO orders VALUES (1);\nCREATE SCHEMA later;\n",
        "DROP TABLE lines;\n",
    );
    let mut client = database.connect().unwrap();
    client.batch_execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE ROLE app LOGIN; GRANT SELECT ON schema_migrations TO app").unwrap();
    let _other = database.connect().unwrap();
    environment.set_var("DATABASE_URL", database.url().replace("//postgres@", "//app@"));
    let mark = cluster.log().mark();
    let seen = Seen::failed(&environment, &[]);
    assert!(cluster.log().errors(mark).is_empty(), "{:?}", cluster.log().errors(mark));
    let lacks: Vec<_> = seen
        .findings("privileges")
        .iter()
        .map(|finding| {
            assert_eq!(finding["severity"], "failure");
            format!(
                "{} {}",
                finding["data"]["privilege"].as_str().unwrap(),
                finding["data"]["object"].as_str().unwrap()
            )
        })
        .collect();
    for lack in [
        "INSERT public.schema_migrations",
        "INSERT public.schema_migrations_log",
        "OWNER public.orders",
        "CREATE public",
        "INSERT public.orders",
    ] {
        assert!(lacks.iter().any(|one| one == lack), "{lack}: {lacks:?}");
    }
    assert!(!lacks.iter().any(|lack| lack.contains("SELECT public.schema_migrations\"")), "{lacks:?}");
    let hidden = seen.only("visibility", "warning");
    assert!(hidden["data"]["hidden"].as_u64().unwrap() >= 1);
    // What is printed, typed, makes them go.
    let schema = "GRANT CREATE ON SCHEMA public TO \"app\";";
    let remedies: Vec<_> =
        seen.findings("privileges").iter().map(|it| it["remedy"].as_str().unwrap().to_owned()).collect();
    assert!(remedies.iter().any(|remedy| remedy == schema), "{remedies:?}");
    for remedy in remedies {
        client.batch_execute(remedy.split(" or have").next().unwrap()).unwrap();
    }
    client.batch_execute(hidden["remedy"].as_str().unwrap()).unwrap();
    let seen = Seen::passed(&environment, &[]);
    assert_eq!((seen.severity("privileges"), seen.severity("visibility")), ("ok", "ok"));
    environment.run(&["up"]).success();
}

#[test]
fn timeouts_of_the_role_are_told() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let environment = project(database.url());
    let mut admin = cluster.admin();
    admin
        .batch_execute(&format!("ALTER DATABASE {} SET statement_timeout = '2min'", database.name()))
        .unwrap();
    let seen = Seen::passed(&environment, &[]);
    assert_eq!(
        seen.only("timeouts", "warning")["data"],
        json!({ "setting": "statement_timeout", "ms": 120_000 })
    );
    environment.migration(
        "0002_work",
        "-- migrate: statement-timeout 10min\nALTER TABLE orders ADD COLUMN note text;\n",
        "ALTER TABLE orders DROP COLUMN note;\n",
    );
    assert_eq!(Seen::passed(&environment, &[]).severity("timeouts"), "ok");
}

#[test]
fn a_read_only_database_is_a_failure() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let environment = project(database.url());
    cluster
        .admin()
        .batch_execute(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name()))
        .unwrap();
    let finding = Seen::failed(&environment, &[]).only("writable", "failure").clone();
    let mut client = database.connect().unwrap();
    client.batch_execute("SET default_transaction_read_only = off").unwrap();
    client.batch_execute(finding["remedy"].as_str().unwrap()).unwrap();
    assert_eq!(Seen::passed(&environment, &[]).severity("writable"), "ok");
}

#[test]
fn a_pooler_is_told_and_nothing_of_ours_stays_on_its_connections() {
    let Some(program) = PgBouncer::program() else { skip!("pgbouncer is not installed") };
    let cluster = Cluster::start();
    let database = cluster.database();
    let mut environment = project(database.url());
    let pooler = PgBouncer::start(program, &cluster, 2);
    environment.set_var("DATABASE_URL", pooler.url(database.name()));
    let seen = Seen::passed(&environment, &[]);
    seen.only("pooler", "warning");
    let mut client = Client::connect(&pooler.url(database.name()), NoTls).unwrap();
    let set = "SELECT coalesce(string_agg(name, ', '), '') FROM pg_settings WHERE source = 'session' \
               AND name IN ('statement_timeout', 'lock_timeout', 'search_path', 'default_transaction_read_only')";
    assert_eq!(answer(&mut client, set), "");
    assert_eq!(
        answer(&mut client, "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"),
        "0"
    );
}

#[test]
fn lint_is_told_the_servers_version() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let environment = project(database.url());
    let major: i64 =
        answer(&mut cluster.admin(), "SELECT current_setting('server_version_num')::int / 10000")
            .parse()
            .unwrap();
    let say = |version: i64| {
        environment.write(
            "Cargo.toml",
            format!(
                "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\
                 [package.metadata.migrate.lint]\nserver-version = {version}\n"
            ),
        );
    };
    say(major + 1);
    let seen = Seen::passed(&environment, &[]);
    assert_eq!(seen.only("server-version", "warning")["data"], json!({ "server": major, "lint": major + 1 }));
    say(major);
    assert_eq!(Seen::passed(&environment, &[]).severity("server-version"), "ok");
}

#[test]
fn replicas_that_are_behind_and_slots_that_nobody_reads() {
    let cluster = Cluster::builder().setting("wal_level", "logical").setting("max_wal_size", "1GB").start();
    let database = cluster.database();
    let environment = project(database.url());
    let standby = cluster.standby();
    let mut admin = cluster.admin();
    poll_until(&mut admin, "SELECT state FROM pg_stat_replication", "streaming");
    let seen = Seen::passed(&environment, &[]);
    assert_eq!((seen.severity("replication-lag"), seen.severity("replication-slots")), ("ok", "ok"));

    // It does not replay, and so it falls behind.
    let mut replica = Client::connect(&standby.url("postgres"), NoTls).unwrap();
    replica.batch_execute("SELECT pg_wal_replay_pause()").unwrap();
    admin.batch_execute("SELECT pg_create_physical_replication_slot('unused', true), pg_create_physical_replication_slot('new')").unwrap();
    let write = "CREATE TABLE IF NOT EXISTS ballast (x text); INSERT INTO ballast SELECT repeat('x', 1000) FROM generate_series(1, 80000)";
    admin.batch_execute(write).unwrap();
    let lag = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) > 67108864 FROM pg_stat_replication";
    poll_until(&mut admin, lag, "t");
    let seen = Seen::passed(&environment, &[]);
    let finding = seen.only("replication-lag", "warning");
    assert!(finding["data"]["lag_bytes"].as_u64().unwrap() > 64 << 20, "{finding:#}");
    let slots = seen.findings("replication-slots");
    let of = |name: &str| slots.iter().find(|slot| slot["data"]["slot"] == name).unwrap();
    assert_eq!(of("unused")["severity"], "warning");
    assert!(of("unused")["data"]["retained_bytes"].as_u64().unwrap() > 64 << 20);
    assert_eq!(
        (&of("new")["severity"], &of("new")["data"]["retained_bytes"]),
        (&json!("info"), &json!(null))
    );
    replica.batch_execute("SELECT pg_wal_replay_resume()").unwrap();
    drop(replica);

    // A commit that waits for a replica which is not there never ends.
    admin.batch_execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'").unwrap();
    admin.batch_execute("SELECT pg_reload_conf()").unwrap();
    poll_until(&mut admin, "SHOW synchronous_standby_names", "nobody");
    let seen = Seen::failed(&environment, &[]);
    // Nor would the end of this test's database.
    admin.batch_execute("ALTER SYSTEM RESET synchronous_standby_names").unwrap();
    admin.batch_execute("SELECT pg_reload_conf()").unwrap();
    assert!(
        seen.findings("replication-lag").iter().any(|finding| finding["severity"] == "failure"
            && finding["data"]["synchronous_standby_names"] == "nobody"),
        "{}",
        seen.check("replication-lag")
    );
}

#[test]
fn old_transaction_ids_and_the_vacuum_that_does_not_give_way() {
    let cluster = Cluster::builder()
        .setting("autovacuum_freeze_max_age", "100000")
        .setting("autovacuum_naptime", "1s")
        .setting("autovacuum", "on")
        .start();
    let database = cluster.database();
    let environment = project(database.url());
    let mut client = database.connect().unwrap();
    // So slow that it is seen at work: a page a tenth of a second. Nobody vacuums it for another reason.
    client
        .batch_execute(
            "ALTER TABLE orders SET (autovacuum_enabled = false, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, fillfactor = 10); \
             INSERT INTO orders SELECT generate_series(1, 100000)",
        )
        .unwrap();
    assert_eq!(Seen::passed(&environment, &[]).severity("transaction-ids"), "info");
    // Each subtransaction that writes has a transaction id of its own.
    client
        .batch_execute(
            "CREATE TABLE burnt (x int); DO $$ BEGIN FOR i IN 1..110000 LOOP BEGIN INSERT INTO burnt VALUES (i); \
             EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$",
        )
        .unwrap();
    let worker = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'autovacuum: VACUUM%public.orders (to prevent wraparound)'";
    poll_until(&mut client, worker, "1");
    let seen = Seen::failed(&environment, &[]);
    let finding = seen.only("wraparound-vacuum", "failure");
    assert_eq!(finding["data"]["conflicts"][0]["table"], "public.orders", "{finding:#}");
    let findings = seen.findings("transaction-ids");
    assert!(findings.iter().all(|finding| finding["severity"] == "warning"), "{findings:#?}");
    assert!(findings.iter().any(|finding| finding["data"]["table"] == "public.orders"), "{findings:#?}");
}
