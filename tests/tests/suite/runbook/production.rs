//! A production run, how it is taken up again, and the ways back.

use migrate_tests::wait::answer;

use super::Scene;
use super::typist::{COUPONS, STANDS, Typist};

pub(super) const SCENES: &[(&str, Scene)] = &[
    ("Runbook", looking),
    ("Six commands", six),
    ("Or one", one),
    ("Taking up a deployment that was cut short", crashed),
    ("Back with `down`", down),
    ("Back to the backup", restore),
    ("Rows that are gone", rows),
];

fn looking(typist: &mut Typist<'_>) {
    typist.sh(&[0, 0, 0]);
}

fn six(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    typist.sh(&[0; 6]);
    let coupon = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'coupon'";
    assert_eq!(answer(&mut typist.client(), coupon), "1");
    typist.run("status --env production --check").success();
}

fn one(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    typist.sh(&[0]);
    typist.screen(0);
}

fn crashed(typist: &mut Typist<'_>) {
    typist.migration(STANDS);
    let mut bar = typist.bar();
    let running = typist.shop.spawn(&["deploy", "--env", "production"]);
    let pid = typist.standing(&mut bar);
    assert_eq!(running.kill().code, 137);
    bar.batch_execute(&format!("SELECT pg_terminate_backend({pid}, 30000)")).unwrap();
    drop(bar);
    typist.screen(0);
}

fn down(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    typist.preflight();
    typist.run("up --env production --skip-backup test").success();
    typist.client().batch_execute("UPDATE orders SET coupon = 'x' WHERE id <= 311").unwrap();
    typist.screen(0);
    typist.sh(&[0, 0]);
    typist.run("status --env production --check").expect(8);
}

fn restore(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    typist.run("deploy --env production").success();
    typist.screen(0);
    typist.screen(0);
    typist.run("status --env production --check").expect(8);
    typist.sh(&[0]);
    typist.run("status --env production --check").success();
}

fn rows(typist: &mut Typist<'_>) {
    let (host, port) = ("127.0.0.1", typist.cluster.server().port().to_string());
    typist.shop.set_var("PGHOST", host).set_var("PGPORT", port).set_var("PGUSER", "app");
    typist.migration((
        "0002_delete_small_orders",
        "-- migrate: irreversible the rows are gone\nDELETE FROM orders WHERE total < 100;\n",
        "",
    ));
    typist.run("deploy --env production").success();
    typist.preflight();
    typist.screen(1);
    typist.screen(0);
    let gone = typist.sql(&mut typist.client_of(&format!("{}_rows", typist.database)));
    assert_eq!(gone, "99");
    typist.sh(&[0, 0]);
    assert_eq!(answer(&mut typist.client(), "SELECT count(*) FROM orders"), "1000");
}
