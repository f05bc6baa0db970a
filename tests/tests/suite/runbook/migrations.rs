//! Migrations that fail, on the way up, on the way down, half-way, on a copy, and those that succeed and are not right.

use super::Scene;
use super::typist::{COUPONS, Typist};

pub(super) const SCENES: &[(&str, Scene)] = &[
    ("A migration failed", failed),
    ("The server's disk is full", full),
    ("Not as recorded", not_as_recorded),
    ("Made or dropped by hand", by_hand),
    ("A rehearsal failed", rehearsal),
    ("A postflight failed", postflight),
    ("Rolling back failed", failed_down),
    ("Partly applied", dirty),
];

const UNIQUE: (&str, &str, &str) = (
    "0002_unique_customers",
    "ALTER TABLE orders ADD CONSTRAINT orders_customer_key UNIQUE (customer);\n",
    "ALTER TABLE orders DROP CONSTRAINT orders_customer_key;\n",
);

fn failed(typist: &mut Typist<'_>) {
    typist.migration(UNIQUE);
    typist.preflight();
    typist.screen(2);
    typist.client().batch_execute("UPDATE orders SET customer = customer || id").unwrap();
    typist.sh(&[0, 0]);
}

/// A small file system, seen by everybody, for as long as this lives.
struct Small(tempfile::TempDir);

impl Drop for Small {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn full(typist: &mut Typist<'_>) {
    let small = Small(tempfile::Builder::new().prefix("migrate-small-").tempdir().unwrap());
    let mut mount = std::process::Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=1m", "none"]).arg(small.0.path());
    if migrate_tests::output::capture(&mut mount).code != 0 {
        typist.leave_out("a small file system cannot be mounted");
        return;
    }
    let inside = small.0.path().join("space");
    std::fs::create_dir(&inside).unwrap();
    let user = typist.cluster.server().user();
    user.own(small.0.path()).unwrap();
    user.own(&inside).unwrap();
    let space = format!("space_{}", typist.database);
    let mut admin = typist.cluster.admin();
    admin.batch_execute(&format!("CREATE TABLESPACE {space} LOCATION '{}'", inside.display())).unwrap();
    admin
        .batch_execute(&format!(
            "ALTER ROLE app IN DATABASE {} SET default_tablespace = '{space}'",
            typist.database
        ))
        .unwrap();
    typist.migration((
        "0002_archive_orders",
        "CREATE TABLE archive AS SELECT o.*, repeat('x', 1000) AS note FROM orders AS o, generate_series(1, 10);\n",
        "DROP TABLE archive;\n",
    ));
    typist.run("preflight --env production --allow disk-space=test").success();
    typist.screen(2);
    admin
        .batch_execute(&format!("ALTER ROLE app IN DATABASE {} RESET default_tablespace", typist.database))
        .unwrap();
    typist.sh(&[0, 0]);
    admin.batch_execute(&format!("DROP TABLESPACE {space}")).unwrap();
}

fn not_as_recorded(typist: &mut Typist<'_>) {
    typist.migration((
        "0002_create_coupons",
        "CREATE TABLE IF NOT EXISTS coupons (code text PRIMARY KEY, percent int NOT NULL);\n",
        "DROP TABLE coupons;\n",
    ));
    typist.run("verify --scratch --record").success();
    typist.client().batch_execute("CREATE TABLE coupons (code text)").unwrap();
    typist.preflight();
    typist.screen(2);
    typist.screen(8);
    typist.sql(&mut typist.client());
    typist.sh(&[0, 0]);
}

fn by_hand(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    typist.client().batch_execute("ALTER TABLE orders ADD COLUMN coupon text").unwrap();
    typist.preflight();
    typist.screen(2);
    typist.screen(8);
    typist.sql(&mut typist.client());
    typist.sh(&[0, 0]);
}

fn rehearsal(typist: &mut Typist<'_>) {
    typist.migration(UNIQUE);
    typist.run("backup create --env production").success();
    typist.run("backup verify").success();
    typist.screen(2);
    typist.client().batch_execute("UPDATE orders SET customer = customer || id").unwrap();
    typist.sh(&[0, 0, 0]);
}

fn postflight(typist: &mut Typist<'_>) {
    typist.migration((
        "0002_orders_cost_something",
        "ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total > 0) NOT VALID;\n",
        "ALTER TABLE orders DROP CONSTRAINT orders_total_check;\n",
    ));
    typist.preflight();
    typist.run("up --env production --skip-backup test").success();
    typist.screen(3);
    let mends = typist.statements();
    typist.migration(("0003_validate_total", &mends, "SELECT 1;\n"));
    typist.sh(&[0, 0, 0]);
}

fn failed_down(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    typist.preflight();
    typist.run("up --env production --skip-backup test").success();
    typist.client().batch_execute("CREATE VIEW coupons AS SELECT coupon FROM orders").unwrap();
    typist.preflight();
    typist.screen(4);
    typist.sql(&mut typist.client());
    typist.sh(&[0, 0]);
}

fn dirty(typist: &mut Typist<'_>) {
    typist
        .client()
        .batch_execute("INSERT INTO orders (customer, total) VALUES ('bob', 1), ('bob', 1)")
        .unwrap();
    typist
        .client()
        .batch_execute("UPDATE orders SET customer = customer || id WHERE customer = 'ann'")
        .unwrap();
    typist.migration((
        "0002_unique_customers",
        "CREATE INDEX CONCURRENTLY orders_total ON orders (total);\n\
         CREATE UNIQUE INDEX CONCURRENTLY orders_customer ON orders (customer);\n",
        "DROP INDEX CONCURRENTLY IF EXISTS orders_customer;\nDROP INDEX CONCURRENTLY IF EXISTS orders_total;\n",
    ));
    typist.preflight();
    typist.screen(7);
    let mut client = typist.client();
    typist.sql(&mut client);
    assert!(!typist.sql(&mut client).is_empty());
    client.batch_execute("UPDATE orders SET customer = customer || id WHERE customer = 'bob'").unwrap();
    typist.sh(&[0, 0, 0]);
    typist.run("status --env production --check").success();
}
