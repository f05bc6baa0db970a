//! One document on stdout whatever happens, and a line for each event on stderr.

use serde_json::Value;

use crate::world::{Ran, World};

fn events(ran: &Ran) -> Vec<String> {
    let lines = ran.stderr.split_terminator('\n').map(|line| {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(value["schema"], "cargo-migrate/1", "{line}");
        value["event"].as_str().unwrap().to_owned()
    });
    lines.collect()
}

#[test]
fn a_run_is_a_document_and_events() {
    let world = World::with_database();
    let ran = world.expect(0, &["up", "--format", "json"]);
    let document = ran.json();
    assert_eq!((&document["schema"], &document["command"]), (&"cargo-migrate/1".into(), &"up".into()));
    assert_eq!(document["exit_code"], 0);
    let done: Vec<_> =
        document["result"]["done"].as_array().unwrap().iter().map(|one| &one["migration"]).collect();
    assert_eq!(done, ["0001_create_a", "0002_create_b"]);
    let told = events(&ran);
    for event in ["connected", "lock_obtained", "planned", "started", "finished"] {
        assert!(told.iter().any(|one| one == event), "{event}: {told:?}");
    }
}

#[test]
fn a_failure_is_a_document_too() {
    let world = World::with_database();
    world.migration("0003_wrong", "SELECT 1;\nSELECT 'ä', nope;\n", "SELECT 1;\n");
    let ran = world.expect(2, &["up", "--format", "json"]);
    let document = ran.json();
    assert_eq!(document["exit_code"], 2);
    let error = &document["error"];
    assert_eq!(error["kind"], "failed");
    let failure = &error["failure"];
    assert_eq!(
        (&failure["sqlstate"], &failure["line"], &failure["column"]),
        (&"42703".into(), &2.into(), &13.into())
    );
    assert_eq!(failure["file"], "[project]/migrations/0003_wrong.up.sql");
    assert_eq!(error["done"].as_array().unwrap().len(), 2, "{error}");
    assert!(!error["hints"].as_array().unwrap().is_empty());
    assert_eq!(events(&ran).last().map(String::as_str), Some("error"));
}

#[test]
fn problems_of_the_command_line_are_documents() {
    let ran = World::new().expect(5, &["status", "--format", "json"]);
    assert_eq!(ran.json()["error"]["kind"], "folder");
    let world = World::new();
    world.migration("0001_a", "SELECT 1;\n", "SELECT 1;\n");
    assert_eq!(world.expect(5, &["status", "--format", "json"]).json()["error"]["kind"], "no_database");
    assert_eq!(world.expect(8, &["lock", "--check", "--format", "json"]).json()["result"]["written"], false);
}

#[test]
fn a_terminal_gets_a_live_line_and_no_trace_of_it_is_left() {
    let mut world = World::with_database();
    world.terminal = Some(40);
    let ran = world.expect(0, &["up", "--color", "never"]);
    assert!(ran.stderr.contains("1/2 applying 0001_create_a"), "{:?}", ran.stderr);
    // On the screen that stays.
    let screen = indicatif::InMemoryTerm::new(20, 40);
    indicatif::TermLike::write_str(&screen, &ran.stderr.replace('\n', "\r\n")).unwrap();
    let lines: Vec<_> = screen.contents().split('\n').map(|line| line.trim_end().to_owned()).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines.iter().all(|line| line.starts_with("     applied 000")), "{lines:?}");
    world.env.insert("TERM".to_owned(), "dumb".to_owned());
    assert!(!world.expect(0, &["redo"]).stderr.contains('\u{1b}'));
    assert_eq!(world.expect(0, &["redo", "-q"]).stderr, "");
}

#[test]
fn a_failed_migration_is_shown_at_its_line() {
    let world = World::with_database();
    world.migration(
        "0003_wrong",
        "CREATE TABLE c (id int);\n\nALTER TABLE nope\n    ADD x int;\n",
        "SELECT 1;\n",
    );
    let ran = world.expect(2, &["up"]);
    let error = &ran.stderr[ran.stderr.find("error").unwrap()..];
    insta::assert_snapshot!(error);
}
