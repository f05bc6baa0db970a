//! The help is an interface: a change of it is seen.

use crate::world::World;

#[test]
fn help_of_each_verb() {
    let world = World::empty();
    for verb in [
        "",
        "init",
        "new",
        "up",
        "down",
        "redo",
        "status",
        "lock",
        "repair",
        "history",
        "verify",
        "lint",
        "schema",
        "drift",
        "ci init",
        "local",
        "completions",
        "man",
    ] {
        let arguments: Vec<_> =
            verb.split(' ').chain(["--help"]).filter(|argument| !argument.is_empty()).collect();
        let ran = world.expect(0, &arguments);
        assert_eq!(ran.stderr, "");
        let name = if verb.is_empty() { "help" } else { verb };
        // What every verb takes stands in the first of them only.
        let own =
            if verb.is_empty() { &ran.stdout } else { ran.stdout.split("Global options:").next().unwrap() };
        insta::assert_snapshot!(format!("help_{}", name.replace(' ', "_")), own);
    }
}

#[test]
fn version_and_help_are_successes_on_stdout() {
    let world = World::empty();
    for arguments in [["--version"], ["-V"], ["-h"], ["--help"]] {
        let ran = world.expect(0, &arguments);
        assert!(!ran.stdout.is_empty() && ran.stderr.is_empty());
    }
    assert!(world.run(&["--version"]).stdout.starts_with("cargo migrate "));
}

#[test]
fn completions_and_manual_pages_are_written() {
    let world = World::empty();
    assert!(world.expect(0, &["completions", "bash"]).stdout.contains("cargo-migrate"));
    assert!(world.expect(0, &["man"]).stdout.starts_with(".ie"));
    assert!(world.expect(0, &["man", "up"]).stdout.contains("dry"));
    let unknown = world.expect(5, &["man", "upp"]);
    assert!(unknown.stderr.contains("there is no verb `upp`"), "{}", unknown.stderr);
}
