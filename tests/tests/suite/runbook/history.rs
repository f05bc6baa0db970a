//! A history that does not fit the files, or a schema that does not fit the history.

use super::Scene;
use super::typist::{COUPONS, Typist};

pub(super) const SCENES: &[(&str, Scene)] = &[
    ("A file was modified after it was applied", modified),
    ("Out of order", out_of_order),
    ("A file is missing", missing),
    ("The schema has drifted", drift),
    ("Other refusals", others),
];

/// Gives a migration another name.
fn rename(typist: &Typist<'_>, from: &str, to: &str) {
    for half in ["up", "down"] {
        let file = |stem| typist.shop.path(format!("migrations/{stem}.{half}.sql"));
        std::fs::rename(file(from), file(to)).unwrap();
    }
    typist.run("lock").success();
}

fn others(typist: &mut Typist<'_>) {
    rename(typist, "0001_create_orders", "0001_make_orders");
    typist.screen(9);
    rename(typist, "0001_make_orders", "0001_create_orders");
    typist.migration(COUPONS);
    typist.preflight();
    typist.run("up --env production --skip-backup test").success();
    for half in ["up", "down"] {
        typist.shop.remove(format!("migrations/0002_add_coupons.{half}.sql"));
    }
    typist.run("lock").success();
    typist.screen(0);
    typist
        .client()
        .batch_execute(
            "DROP TABLE schema_migrations; CREATE TABLE schema_migrations (version text PRIMARY KEY)",
        )
        .unwrap();
    typist.screen(9);
}

fn modified(typist: &mut Typist<'_>) {
    let (up, old) =
        ("migrations/0001_create_orders.up.sql", typist.shop.read("migrations/0001_create_orders.up.sql"));
    typist.shop.write(up, old.replace("customer text NOT NULL", "customer varchar(80) NOT NULL"));
    typist.run("lock").success();
    typist.screen(9);
    typist.screen(0);
    typist.shop.write(up, old);
    typist.run("lock").success();
    typist.sh(&[0]);
}

fn out_of_order(typist: &mut Typist<'_>) {
    typist.migration((
        "0003_add_notes",
        "ALTER TABLE orders ADD COLUMN note text;\n",
        "ALTER TABLE orders DROP COLUMN note;\n",
    ));
    typist.preflight();
    typist.run("up --env production --skip-backup test").success();
    typist.migration(COUPONS);
    typist.screen(9);
    typist.sh(&[0, 0]);
}

fn missing(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    typist.preflight();
    typist.run("up --env production --skip-backup test").success();
    for half in ["up", "down"] {
        typist.shop.remove(format!("migrations/0002_add_coupons.{half}.sql"));
    }
    typist.migration((
        "0003_add_notes",
        "ALTER TABLE orders ADD COLUMN note text;\n",
        "ALTER TABLE orders DROP COLUMN note;\n",
    ));
    typist.screen(9);
    typist.migration(COUPONS);
    typist.sh(&[0]);
}

fn drift(typist: &mut Typist<'_>) {
    typist.client().batch_execute("ALTER TABLE orders ADD COLUMN by_hand text").unwrap();
    typist.screen(8);
    typist.sql(&mut typist.client());
    typist.sh(&[0]);
}
