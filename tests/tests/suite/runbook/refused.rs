//! What a gate refuses: exit code 1.

use migrate_tests::{poll_until, until};

use super::Scene;
use super::typist::{COUPONS, Typist};

pub(super) const SCENES: &[(&str, Scene)] = &[
    ("No preflight was passed", missing),
    ("The preflight is too old", stale),
    ("The preflight was passed with other pending migrations", other_set),
    ("The preflight was that of another database", other_database),
    ("A preflight failed: a long transaction is in the way", transaction),
    ("A preflight failed: somebody is blocked", blocked),
    ("A backup is damaged", damaged),
    ("No backup was made", full),
];

fn missing(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    typist.screen(1);
    typist.sh(&[0, 0]);
}

fn stale(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    let manifest = typist.shop.read("Cargo.toml");
    let short = manifest
        .replace("[package.metadata.migrate]\n", "[package.metadata.migrate]\npreflight-max-age = \"1s\"\n");
    typist.shop.write("Cargo.toml", &short);
    typist.preflight();
    until("the preflight to be too old", || {
        let output = typist.run("up --env production --dry-run");
        output.stdout.contains("old") || output.stderr.contains("old")
    });
    typist.screen(1);
    typist.shop.write("Cargo.toml", &manifest);
    typist.sh(&[0, 0]);
}

fn other_set(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    typist.preflight();
    typist.migration((
        "0003_add_notes",
        "ALTER TABLE orders ADD COLUMN note text;\n",
        "ALTER TABLE orders DROP COLUMN note;\n",
    ));
    typist.screen(1);
    typist.sh(&[0, 0]);
}

fn other_database(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    typist.preflight();
    let mut admin = typist.cluster.admin();
    let copy = format!("{}_copy", typist.database);
    admin
        .batch_execute(&format!("CREATE DATABASE {copy} TEMPLATE {} STRATEGY file_copy", typist.database))
        .unwrap();
    let address = format!("postgres://app@127.0.0.1:{}/", typist.cluster.server().port());
    typist.at(&format!("{address}{copy}"));
    typist.screen(1);
    typist.screen(1);
    typist.at(&typist.url());
    typist.sh(&[0, 0]);
}

fn transaction(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    let mut client = typist.client();
    let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    client
        .batch_execute("SET application_name = 'psql'; BEGIN; UPDATE orders SET total = total WHERE id = 1")
        .unwrap();
    let old = format!("SELECT now() - state_change > '6 s' FROM pg_stat_activity WHERE pid = {pid}");
    poll_until(&mut typist.cluster.admin(), &old, "t");
    typist.means("4711", pid);
    typist.screen(1);
    let mut admin = typist.client();
    typist.sql(&mut admin);
    typist.sql(&mut admin);
    client.batch_execute("SELECT 1").unwrap_err();
    typist.sh(&[0]);
}

fn blocked(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    let mut root = typist.client();
    let pid: i32 = root.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    root.batch_execute(
        "SET application_name = 'billing'; BEGIN; LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE",
    )
    .unwrap();
    let url = typist.cluster.url(&typist.database);
    let writer = std::thread::spawn(move || {
        let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
        client.batch_execute("SET application_name = 'checkout'").unwrap();
        client.batch_execute("UPDATE orders SET total = total WHERE id = 2")
    });
    let waits = "SELECT pid FROM pg_stat_activity WHERE application_name = 'checkout' AND wait_event_type = 'Lock' \
                 AND now() - query_start > '2 s'";
    let mut admin = typist.client();
    until("the writer to wait", || !migrate_tests::wait::answer(&mut admin, waits).is_empty());
    let waiting = migrate_tests::wait::answer(&mut admin, waits);
    typist.means("4711", pid);
    typist.means("4712", waiting);
    typist.screen(1);
    typist.sql(&mut admin);
    typist.sql(&mut admin);
    writer.join().unwrap().unwrap();
    typist.sh(&[0]);
}

fn damaged(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    typist.run("backup create --env production").success();
    let archive = typist.backup().join("archive.dump");
    let whole = std::fs::read(&archive).unwrap();
    std::fs::write(&archive, &whole[..whole.len() / 2]).unwrap();
    typist.screen(8);
    typist.preflight();
    typist.screen(1);
    typist.sh(&[0, 0, 0]);
}

/// A file system that is full, seen by one command only.
fn full(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    typist.preflight();
    std::fs::create_dir_all(typist.shop.path(".migrate/backups")).unwrap();
    let inside = "mount -t tmpfs -o size=8k none .migrate/backups && exec \"$@\"";
    typist.within(&["unshare", "--map-root-user", "--mount", "sh", "-c", inside, "sh"]);
    typist.screen(1);
    typist.within(&[]);
    typist.sh(&[0, 0]);
}
