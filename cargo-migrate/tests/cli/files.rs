//! The lock: kept current by what changes the folder, and refused where it may not be changed.

use crate::world::World;

#[test]
fn lock_checks_and_writes() {
    let world = World::new();
    world.migration("0001_a", "SELECT 1;\n", "SELECT 1;\n");
    assert!(world.expect(8, &["lock", "--check"]).stdout.contains("does not fit"));
    assert!(!world.path("migrations/migrations.lock").exists());
    world.expect(0, &["lock"]);
    world.expect(0, &["lock", "--check"]);
    world.migration("0001_a", "SELECT 2;\n", "SELECT 1;\n");
    insta::assert_snapshot!(world.expect(8, &["lock", "--check"]).stdout);
    assert!(world.expect(0, &["lock"]).stdout.contains("wrote"));
    assert!(world.expect(0, &["lock"]).stdout.contains("up to date"));
}

#[test]
fn up_brings_the_lock_up_to_date_once_it_worked() {
    let world = World::with_database();
    world.migration("0003_wrong", "SELECT nope;\n", "SELECT 1;\n");
    world.expect(2, &["up"]);
    assert!(!world.path("migrations/migrations.lock").exists());
    world.migration("0003_wrong", "SELECT 1;\n", "SELECT 1;\n");
    assert!(world.expect(0, &["up"]).stdout.contains("migrations.lock: commit it"));
    world.expect(0, &["lock", "--check"]);
    assert!(!world.expect(0, &["up"]).stdout.contains("migrations.lock"));
}

#[test]
fn in_ci_nothing_changes_the_lock() {
    let mut world = World::with_database();
    world.env.insert("CI".to_owned(), "true".to_owned());
    for verb in [&["up"][..], &["down"], &["redo"]] {
        let ran = world.expect(1, verb);
        assert!(
            ran.stderr.contains("migrations.lock") && ran.stderr.contains("cargo migrate lock"),
            "{}",
            ran.stderr
        );
    }
    assert!(!world.path("migrations/migrations.lock").exists());
    world.expect(0, &["up", "--locked=false"]);
    world.expect(0, &["up"]);
    world.migration("0002_create_b", "CREATE TABLE b (id int); -- edited\n", "DROP TABLE b;\n");
    let refused = world.expect(1, &["up"]);
    assert!(refused.stderr.contains("0002_create_b.up.sql"), "{}", refused.stderr);
    // Looking is never refused.
    world.expect(0, &["status"]);
}

#[test]
fn conflict_markers_of_git_are_not_written_over() {
    let world = World::with_database();
    world.expect(0, &["lock"]);
    let conflict =
        format!("<<<<<<< HEAD\n{}=======\n>>>>>>> other\n", world.read("migrations/migrations.lock"));
    world.write("migrations/migrations.lock", &conflict);
    let refused = world.expect(1, &["up"]);
    assert!(refused.stderr.contains("conflict markers"), "{}", refused.stderr);
    assert_eq!(world.read("migrations/migrations.lock"), conflict);
    world.expect(0, &["lock"]);
    world.expect(0, &["up"]);
}

#[test]
fn a_newer_database_is_told_though_nothing_is_to_do() {
    let world = World::with_database();
    world.expect(0, &["up"]);
    for half in ["up", "down"] {
        std::fs::remove_file(world.path(format!("migrations/0002_create_b.{half}.sql"))).unwrap();
    }
    let ran = world.expect(0, &["up"]);
    assert!(ran.stderr.contains("1 migration newer than every file here: 0002_create_b"), "{}", ran.stderr);
}
