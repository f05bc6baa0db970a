//! What asks, whom it asks, and what an answer does.

use crate::world::World;

fn applied(world: &World) -> Vec<String> {
    let status = world.expect(0, &["status", "--format", "json"]).json();
    let migrations = status["result"]["migrations"].as_array().unwrap().clone();
    let applied = migrations.into_iter().filter(|one| one["state"] == "applied");
    applied.map(|one| one["migration"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn how_far_down_is_said_by_the_flag_and_not_asked() {
    let world = World::with_database();
    for (arguments, left) in [
        (&["down"][..], 1),
        (&["down", "--steps", "2"], 0),
        (&["down", "--all"], 0),
        (&["down", "--to", "1"], 1),
        (&["down", "--to", "0"], 0),
    ] {
        world.expect(0, &["up"]);
        let ran = world.expect(0, arguments);
        assert!(!ran.stderr.contains('?'), "{}", ran.stderr);
        assert_eq!(applied(&world).len(), left, "{arguments:?}");
    }
}

#[test]
fn a_down_that_differs_is_shown_and_asked_about() {
    let mut world = World::with_database();
    world.expect(0, &["up"]);
    world.migration("0002_create_b", "CREATE TABLE b (id int);\n", "DROP TABLE b CASCADE;\n");
    let refused = world.expect(1, &["down"]);
    assert!(refused.stderr.contains("--use-recorded-down"), "{}", refused.stderr);
    assert_eq!(applied(&world).len(), 2);

    world.answers = Some("\n".to_owned());
    world.expect(1, &["down"]);
    world.answers = Some("file\n".to_owned());
    let asked = world.expect(0, &["down"]);
    assert!(asked.stderr.contains("  - DROP TABLE b;\n  + DROP TABLE b CASCADE;\n"), "{}", asked.stderr);
    assert_eq!(applied(&world), ["0001_create_a"]);
    let log = world.expect(0, &["history", "--limit", "1", "--format", "json"]).json();
    assert_eq!(log["result"]["entries"][0]["action"], "down");

    world.answers = None;
    world.expect(0, &["up"]);
    world.migration("0002_create_b", "CREATE TABLE b (id int);\n", "SELECT 1 / 0;\n");
    world.expect(0, &["down", "--use-recorded-down"]);
    assert_eq!(applied(&world), ["0001_create_a"]);
}

#[test]
fn each_down_that_differs_is_asked_about_for_itself() {
    let mut world = World::with_database();
    world.expect(0, &["up"]);
    world.migration("0001_create_a", "CREATE TABLE a (id int);\n", "DROP TABLE no_such_table;\n");
    world.migration("0002_create_b", "CREATE TABLE b (id int);\n", "DROP TABLE b CASCADE;\n");
    // Without anybody to ask the difference is shown all the same.
    let refused = world.expect(1, &["down", "--all"]);
    assert!(refused.stderr.contains("  + DROP TABLE b CASCADE;"), "{}", refused.stderr);
    // The first answer is not taken for the second, which would fail.
    world.answers = Some("file\nrecorded\n".to_owned());
    let asked = world.expect(0, &["down", "--all"]);
    assert_eq!(asked.stderr.matches("which one rolls back?").count(), 2, "{}", asked.stderr);
    assert!(applied(&world).is_empty());
}

#[test]
fn redo_takes_the_recorded_down_and_the_file_as_it_is() {
    let world = World::with_database();
    world.expect(0, &["up"]);
    world.migration("0002_create_b", "CREATE TABLE b (id bigint);\n", "DROP TABLE b CASCADE;\n");
    world.expect(9, &["up"]);
    world.expect(0, &["redo"]);
    world.expect(0, &["up"]);
    world.expect(0, &["redo", "--steps", "2"]);
    world.expect(0, &["status", "--check"]);
    world.expect(0, &["lock", "--check"]);
}

#[test]
fn local_data_are_not_removed_without_an_answer() {
    let world = World::new();
    world.expect(1, &["local", "reset"]);
}

#[test]
fn repair_shows_a_plan_and_changes_nothing_without_yes() {
    let world = World::with_database();
    world.expect(0, &["up"]);
    world.migration("0002_create_b", "CREATE TABLE b (id int); -- a comment\n", "DROP TABLE b;\n");
    world.expect(8, &["status", "--check"]);
    let plan = world.expect(0, &["repair"]).stdout;
    assert!(plan.contains("plan: accept the file of 0002_create_b"), "{plan}");
    world.expect(8, &["status", "--check"]);
    assert!(world.expect(0, &["repair", "--yes"]).stdout.contains("done: accept"));
    world.expect(0, &["status", "--check"]);
    assert_eq!(world.expect(0, &["repair"]).stdout, "nothing to repair\n");
}
