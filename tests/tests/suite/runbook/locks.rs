//! Others who are at work: runners, deployments, holders of a table's lock.

use migrate_tests::wait::answer;

use super::Scene;
use super::typist::{COUPONS, STANDS, Typist};

pub(super) const LONGEST: &str = "A table's lock was not to be had";

pub(super) const SCENES: &[(&str, Scene)] = &[
    ("Another runner holds the migration lock", runner),
    ("Another deployment is at work", deployment),
    (LONGEST, table),
    ("It hangs, and says nothing", hangs),
];

/// Another run, which stands still.
fn runner(typist: &mut Typist<'_>) {
    typist.migration(STANDS);
    typist.run("backup create --env production").success();
    let mut bar = typist.bar();
    typist.preflight();
    let other = typist.shop.spawn(&["up", "--env", "production", "--backup", "latest"]);
    typist.standing(&mut bar);
    typist.screen(6);
    typist.sql(&mut typist.client());
    drop(bar);
    other.wait().success();
    typist.sh(&[0]);
}

fn deployment(typist: &mut Typist<'_>) {
    typist.migration(STANDS);
    let mut bar = typist.bar();
    let other = typist.shop.spawn(&["deploy", "--env", "production", "--skip-backup", "test"]);
    typist.standing(&mut bar);
    typist.screen(6);
    drop(bar);
    other.wait().success();
    typist.sh(&[0]);
}

fn table(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    typist.preflight();
    let mut holder = typist.client();
    let pid: i32 = holder.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    holder.batch_execute("SET application_name = 'report'; BEGIN; SELECT count(*) FROM orders").unwrap();
    typist.means("4711", pid);
    typist.screen(6);
    let mut client = typist.client();
    typist.sql(&mut client);
    typist.sql(&mut client);
    typist.sh(&[0]);
}

fn hangs(typist: &mut Typist<'_>) {
    typist.migration(STANDS);
    let mut bar = typist.bar();
    typist.preflight();
    let other = typist.shop.spawn(&["up", "--env", "production", "--skip-backup", "test"]);
    typist.standing(&mut bar);
    let mut client = typist.client();
    assert!(!typist.sql(&mut client).is_empty());
    typist.sql(&mut client);
    assert_eq!(answer(&mut client, "SELECT 1"), "1");
    drop(bar);
    other.wait().success();
}
