//! `preflight` and `postflight` on servers that others follow: slots, standbys, publications.

use migrate_tests::{Cluster, TestEnvironment, nightly, poll_until};
use serde_json::{Value, json};

use crate::preflight::Seen;
use crate::preflight_server::project;

/// What postflight's check of replication finds: severity and sentence.
fn postflight(environment: &TestEnvironment) -> Vec<String> {
    let output = environment.run(&["postflight", "--no-drift", "--format", "json"]);
    let document: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let checks = document["result"]["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["check"] == "replication").unwrap();
    let findings = check["findings"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings.map(|one| format!("{}: {}", text(&one["severity"]), text(&one["what"]))).collect()
}

#[test]
fn a_slot_that_is_about_to_lose_what_it_keeps_and_one_that_has() {
    let cluster = Cluster::builder().setting("max_slot_wal_keep_size", "1MB").start();
    let database = cluster.database();
    let environment = project(database.url());
    let mut admin = cluster.admin();
    assert_eq!(Seen::passed(&environment, &[]).severity("replication-slots"), "ok");
    assert_eq!(postflight(&environment), [""; 0]);
    admin.batch_execute("SELECT pg_create_physical_replication_slot('gone', true)").unwrap();
    for _ in 0..4 {
        admin.batch_execute("CREATE TABLE IF NOT EXISTS ballast (a int); INSERT INTO ballast VALUES (1); SELECT pg_switch_wal()").unwrap();
    }
    poll_until(&mut admin, "SELECT wal_status FROM pg_replication_slots", "unreserved");
    let seen = Seen::passed(&environment, &[]);
    let what = seen.only("replication-slots", "warning")["what"].as_str().unwrap();
    assert_eq!(what, "slot gone (physical) is about to lose what it has to keep");
    let found = postflight(&environment);
    assert!(found[0].starts_with("warning: slot gone is about to lose changes that it needs"), "{found:?}");
    admin.batch_execute("CHECKPOINT").unwrap();
    poll_until(&mut admin, "SELECT wal_status FROM pg_replication_slots", "lost");
    let seen = Seen::passed(&environment, &[]);
    let finding = seen.only("replication-slots", "warning");
    assert_eq!(finding["what"], "slot gone (physical) lost what it had to keep");
    let drop = finding["remedy"].as_str().unwrap().rsplit_once(": ").unwrap().1.to_owned();
    assert_eq!(
        postflight(&environment),
        ["failure: slot gone has lost changes that it needed: whoever reads it has to be set up anew"]
    );
    admin.batch_execute(&drop).unwrap();
    assert_eq!(Seen::passed(&environment, &[]).severity("replication-slots"), "ok");
    assert_eq!(postflight(&environment), [""; 0]);
}

#[test]
fn a_standby_that_a_role_may_not_see_is_told() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let mut environment = project(database.url());
    let mut client = database.connect().unwrap();
    client
        .batch_execute(
            "CREATE ROLE app LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO app; \
             GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app; GRANT CREATE ON SCHEMA public TO app; \
             ALTER TABLE orders OWNER TO app",
        )
        .unwrap();
    environment.set_var("DATABASE_URL", database.url().replace("//postgres@", "//app@"));
    assert_eq!(Seen::passed(&environment, &[]).severity("replication-lag"), "ok");
    assert_eq!(postflight(&environment), [""; 0]);
    let _standby = cluster.standby();
    poll_until(&mut client, "SELECT state FROM pg_stat_replication", "streaming");
    let seen = Seen::passed(&environment, &[]);
    let finding = seen.only("replication-lag", "warning");
    assert_eq!(finding["data"]["unknown"], "insufficient privilege", "{finding:#}");
    let found = postflight(&environment);
    assert!(found[0].starts_with("warning: how far behind standby "), "{found:?}");
    // What is printed makes it seen.
    client.batch_execute(finding["remedy"].as_str().unwrap()).unwrap();
    assert_eq!(Seen::passed(&environment, &[]).severity("replication-lag"), "ok");
    assert_eq!(postflight(&environment), [""; 0]);
}

/// It applies what it gets half a minute late: that is what the test waits for.
#[test]
fn a_standby_that_is_late_is_told_by_the_time() {
    nightly!();
    let cluster = Cluster::start();
    let database = cluster.database();
    let environment = project(database.url());
    let mut admin = cluster.admin();
    let _standby = cluster.standby_with(&[("recovery_min_apply_delay", "31s")]);
    poll_until(&mut admin, "SELECT state FROM pg_stat_replication", "streaming");
    assert_eq!(Seen::passed(&environment, &[]).severity("replication-lag"), "ok");
    admin.batch_execute("CREATE TABLE late (a int)").unwrap();
    let began = std::time::Instant::now();
    let late = "SELECT coalesce(replay_lag > interval '30 s', false) FROM pg_stat_replication";
    // A lag is known when what was sent has been applied.
    while migrate_tests::wait::answer(&mut admin, late) != "t" {
        assert!(began.elapsed().as_secs() < 90, "no lag was reported");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let seen = Seen::passed(&environment, &[]);
    let finding = seen.only("replication-lag", "warning");
    assert!(finding["data"]["lag_ms"].as_u64().unwrap() > 30_000, "{finding:#}");
    assert!(finding["data"]["lag_bytes"].as_u64().unwrap() < 64 << 20, "{finding:#}");
    let found = postflight(&environment);
    assert!(found[0].starts_with("warning: standby ") && found[0].ends_with(" s behind"), "{found:?}");
}

#[test]
fn a_published_table_whose_columns_change_is_told() {
    let cluster = Cluster::builder().setting("wal_level", "logical").start();
    let database = cluster.database();
    let environment = project(database.url());
    let mut client = database.connect().unwrap();
    client.batch_execute("CREATE TABLE other (a int); CREATE PUBLICATION others FOR TABLE other").unwrap();
    assert_eq!(Seen::passed(&environment, &[]).severity("publications"), "ok");
    client.batch_execute("CREATE PUBLICATION shop FOR TABLE orders").unwrap();
    let seen = Seen::passed(&environment, &[]);
    assert_eq!(seen.only("publications", "info")["data"]["publications"], "shop");
    // A slot of its plugin is a subscriber.
    client.batch_execute("SELECT pg_create_logical_replication_slot('reader', 'pgoutput')").unwrap();
    let seen = Seen::passed(&environment, &[]);
    let finding = seen.only("publications", "warning");
    assert_eq!(
        finding["data"],
        json!({ "table": "public.orders", "migration": "0002_work", "publications": "shop", "slots": 1 })
    );
    client.batch_execute("DROP PUBLICATION shop; CREATE PUBLICATION every FOR ALL TABLES").unwrap();
    let seen = Seen::passed(&environment, &[]);
    assert_eq!(seen.only("publications", "warning")["data"]["publications"], "every");
    // An index is nobody's but the publisher's; a type is.
    let work = |up: &str| environment.migration("0002_work", up, "SELECT 1;\n");
    work("CREATE INDEX orders_id ON orders (id);\n");
    assert_eq!(Seen::passed(&environment, &[]).severity("publications"), "ok");
    work("ALTER TABLE orders ALTER COLUMN id TYPE bigint;\n");
    Seen::passed(&environment, &[]).only("publications", "warning");
    // Of a partition the publication of the whole is one, too.
    client
        .batch_execute(
            "DROP PUBLICATION every; CREATE TABLE whole (a int) PARTITION BY RANGE (a); \
             CREATE TABLE part PARTITION OF whole FOR VALUES FROM (0) TO (9); CREATE PUBLICATION whole FOR TABLE whole",
        )
        .unwrap();
    work("ALTER TABLE part ADD COLUMN b int;\n");
    assert_eq!(
        Seen::passed(&environment, &[]).only("publications", "warning")["data"]["table"],
        "public.part"
    );
    let major = cluster.server().binaries().major;
    if major >= 15 {
        client
            .batch_execute("DROP PUBLICATION whole; CREATE PUBLICATION space FOR TABLES IN SCHEMA public")
            .unwrap();
        assert_eq!(
            Seen::passed(&environment, &[]).only("publications", "warning")["data"]["publications"],
            "space"
        );
    }
    client.batch_execute("SELECT pg_drop_replication_slot('reader')").unwrap();
}
