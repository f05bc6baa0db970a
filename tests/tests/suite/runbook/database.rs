//! The way to the database: not there, read-only, lost, interrupted; and a restore that was killed.

use migrate_tests::Proxy;
use migrate_tests::proxy::{Action, Fault, Trigger, When};
use migrate_tests::wait::{answer, until};
use rustix::process::Signal;

use super::Scene;
use super::typist::{COUPONS, STANDS, Typist};

pub(super) const SCENES: &[(&str, Scene)] = &[
    ("The connection was lost", lost),
    ("It is read-only", standby),
    ("Could not connect", nowhere),
    ("Interrupted", interrupted),
    ("A restore was cut short", restore),
];

fn lost(typist: &mut Typist<'_>) {
    typist.migration(STANDS);
    let mut bar = typist.bar();
    typist.preflight();
    let running = typist.begin();
    let pid = typist.standing(&mut bar);
    bar.batch_execute(&format!("SELECT pg_terminate_backend({pid})")).unwrap();
    typist.end(running, 6);
    drop(bar);
    typist.sh(&[0, 0]);
}

fn standby(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    typist.preflight();
    let standby = typist.cluster.standby();
    let own = typist.url();
    typist.at(&standby.tcp_url(&typist.database).replace("postgres@", "app@"));
    typist.means("db.example:5432", format!("127.0.0.1:{}", standby.server().port()));
    typist.screen(6);
    typist.at(&own);
    let both = format!("127.0.0.1:{},127.0.0.1:{}", standby.server().port(), typist.cluster.server().port());
    typist.means("a.example,b.example", both);
    typist.sh(&[0, 0]);
}

fn nowhere(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    let own = typist.url();
    let port = migrate_testing::free_port().unwrap();
    let server = format!("127.0.0.1:{port}");
    typist.at(&format!("postgres://app@{server}/{}", typist.database));
    typist.means("db.example:5432", server);
    typist.screen(6);
    typist.at(&own);
    typist.sh(&[0]);
}

fn interrupted(typist: &mut Typist<'_>) {
    typist.migration(STANDS);
    let mut bar = typist.bar();
    typist.preflight();
    let running = typist.begin();
    typist.standing(&mut bar);
    running.signal(Signal::INT);
    typist.end(running, 130);
    drop(bar);
    typist.sh(&[0, 0]);
}

fn restore(typist: &mut Typist<'_>) {
    typist.run("backup create --env production").success();
    let own = typist.url();
    let proxy = Proxy::start(typist.cluster.upstream());
    proxy.arm(Fault::new(When::Before, Trigger::Sql("CREATE TABLE public.orders".to_owned()), Action::Hold));
    typist.at(&proxy.url(&typist.database));
    let running = typist.shop.spawn(&[
        "backup",
        "restore",
        "--env",
        "production",
        "--into",
        &format!("{}_beside", typist.database),
    ]);
    proxy.wait_held();
    assert_eq!(running.kill().code, 137);
    drop(proxy);
    typist.at(&own);
    let left = format!("SELECT count(*) FROM pg_stat_activity WHERE datname LIKE '{}\\_%'", typist.database);
    let mut admin = typist.cluster.admin();
    until("the dead client's programs to end", || answer(&mut admin, &left) == "0");
    typist.screen(0);
    typist.sh(&[0, 0]);
    let unfinished =
        format!("SELECT count(*) FROM pg_database WHERE datname LIKE '{}\\_%unfinished'", typist.database);
    assert_eq!(answer(&mut admin, &unfinished), "0");
}
