//! `new`: files, numbers, templates.

use std::time::{Duration, SystemTime};

use crate::world::World;

#[test]
fn numbers_follow_each_other() {
    let world = World::new();
    insta::assert_snapshot!(world.expect(0, &["new", "Add Products!"]).stdout);
    // The first pair is still empty, which must not keep the second from being written.
    world.expect(0, &["new", "addPrices"]);
    assert_eq!(
        world.names("migrations"),
        [
            "0001_add_products.down.sql",
            "0001_add_products.up.sql",
            "0002_add_prices.down.sql",
            "0002_add_prices.up.sql",
        ]
    );
    insta::assert_snapshot!("new_skeleton", world.read("migrations/0001_add_products.down.sql"));
}

#[test]
fn an_empty_migration_is_refused_with_its_path() {
    let mut world = World::with_database();
    world.expect(0, &["new", "nothing"]);
    insta::assert_snapshot!(world.expect(5, &["up"]).stderr);
    world.env.clear();
}

#[test]
fn timestamps_where_asked_for_and_where_the_newest_is_one() {
    let mut world = World::new();
    world.expect(0, &["new", "a", "--timestamp"]);
    let taken = world.expect(5, &["new", "b", "--timestamp"]);
    assert!(taken.stderr.contains("version 20260329010000 is taken by"), "{}", taken.stderr);
    world.now += Duration::from_secs(61);
    world.expect(0, &["new", "b"]);
    // A clock that is years behind still numbers after the newest.
    world.now = SystemTime::UNIX_EPOCH;
    world.expect(0, &["new", "c"]);
    let ups: Vec<_> =
        world.names("migrations").into_iter().filter(|name| name.ends_with(".up.sql")).collect();
    assert_eq!(ups, ["20260329010000_a.up.sql", "20260329010101_b.up.sql", "20260329010102_c.up.sql"]);
}

#[test]
fn a_template_makes_its_phases_and_updates_the_lock() {
    let world = World::new();
    let ran = world.expect(0, &["new", "add_sku_to_products", "--template", "not-null-column"]);
    insta::assert_snapshot!(ran.stdout);
    assert!(world.read("migrations/0001_add_sku_to_products.up.sql").contains("ALTER TABLE products"));
    world.expect(0, &["lock", "--check"]);
    let names = world.names("migrations");
    assert_eq!(names.len(), 7, "{names:?}");
}

#[test]
fn parameters_are_asked_for_by_name() {
    let world = World::new();
    let missing = world.expect(5, &["new", "speed", "--template", "column"]);
    insta::assert_snapshot!(missing.stderr);
    assert!(!world.path("migrations").exists());
    world.expect(
        0,
        &["new", "speed", "--template", "column", "--param", "table=cars", "column=kmh", "type=int"],
    );
    assert!(world.read("migrations/0001_speed.up.sql").contains("ALTER TABLE cars ADD COLUMN kmh int;"));
    let unknown = world.expect(5, &["new", "x", "-t", "column", "-p", "tabel=cars"]);
    assert!(unknown.stderr.contains("has no parameter `tabel`"), "{}", unknown.stderr);
    let unknown = world.expect(5, &["new", "x", "-t", "columm"]);
    assert!(unknown.stderr.contains("did you mean `column`?"), "{}", unknown.stderr);
}

#[test]
fn templates_are_listed_with_what_they_take() {
    let world = World::new();
    world.write("migrations/templates/ours/up.sql", "-- template: what we do\nSELECT {{what}}, {{how:1}};\n");
    let list = world.expect(0, &["new", "--template", "help"]).stdout;
    assert!(list.contains("ours") && list.contains("what we do (of this project)"), "{list}");
    assert!(list.contains("what, how=1") && list.contains("index-concurrently"), "{list}");
    world.expect(0, &["new", "do_it", "--template", "ours", "--param", "what=2"]);
    assert_eq!(world.read("migrations/0001_do_it.up.sql"), "SELECT 2, 1;\n");
    // A one-way template has no down: the folder refuses it, unless it says that it is meant.
    assert!(world.run(&["lock"]).stderr.contains("0001_do_it"));
}

#[test]
fn names_that_are_none() {
    let world = World::new();
    world.expect(5, &["new", "!!"]);
    let ran = world.expect(5, &["new", "--template", "table"]);
    assert!(ran.stderr.contains("has no name"), "{}", ran.stderr);
}

#[test]
fn outside_of_a_project_a_folder_has_to_be_named() {
    let world = World::empty();
    world.expect(5, &["new", "a"]);
    assert!(world.names(".").is_empty());
    world.expect(0, &["new", "a", "--dir", "sql"]);
    assert_eq!(world.names("sql"), ["0001_a.down.sql", "0001_a.up.sql"]);
}

#[test]
fn what_is_there_is_never_overwritten() {
    let world = World::new();
    world.migration("0001_a", "SELECT 1;\n", "SELECT 1;\n");
    world.write("migrations/0002_b.down.sql", "SELECT 'mine';\n");
    world.expect(0, &["new", "b"]);
    assert_eq!(world.read("migrations/0002_b.down.sql"), "SELECT 'mine';\n");
    assert!(world.path("migrations/0003_b.up.sql").exists());
}
