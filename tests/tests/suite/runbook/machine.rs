//! What is wrong with the machine that runs the migrations: programs, folders, files.

use super::Scene;
use super::typist::{COUPONS, Typist};

pub(super) const SCENES: &[(&str, Scene)] = &[
    ("A program is missing", program),
    ("An empty file", empty),
    ("Two branches were merged", merged),
    ("The log folder cannot be written", log),
];

fn program(typist: &mut Typist<'_>) {
    typist.shop.set_var("MIGRATE_PG_CLIENT_BIN", "/nonexistent");
    typist.screen(5);
    typist.sh(&[5]);
    typist.shop.remove_var("MIGRATE_PG_CLIENT_BIN");
    typist.sh(&[0]);
}

fn empty(typist: &mut Typist<'_>) {
    typist.shop.migration(COUPONS.0, "", COUPONS.2);
    typist.screen(5);
    typist.migration(COUPONS);
    typist.sh(&[0]);
}

fn merged(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    let notes = |half: &str, number: u8| format!("migrations/{number:04}_add_notes.{half}.sql");
    typist.shop.write(notes("up", 2), "ALTER TABLE orders ADD COLUMN note text;\n");
    typist.shop.write(notes("down", 2), "ALTER TABLE orders DROP COLUMN note;\n");
    typist.screen(5);
    typist.sh(&[0]);
    for half in ["up", "down"] {
        std::fs::rename(typist.shop.path(notes(half, 2)), typist.shop.path(notes(half, 3))).unwrap();
    }
    let lock = typist.shop.read("migrations/migrations.lock");
    typist
        .shop
        .write("migrations/migrations.lock", format!("<<<<<<< ours\n{lock}=======\n{lock}>>>>>>> theirs\n"));
    typist.sh(&[0, 0]);
}

fn log(typist: &mut Typist<'_>) {
    typist.migration(COUPONS);
    typist.preflight();
    let read_only =
        "mount --bind .migrate/log .migrate/log && mount -o remount,ro,bind .migrate/log && exec \"$@\"";
    typist.within(&["unshare", "--map-root-user", "--mount", "sh", "-c", read_only, "sh"]);
    typist.screen(0);
    typist.sh(&[5]);
    typist.within(&[]);
    typist.sh(&[0]);
}
