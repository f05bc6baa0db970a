//! T42, over every verb: on a terminal of 20 and of 40 columns nothing panics, no id is broken in two or cut, and what is to
//! be typed next can be copied.

use std::collections::BTreeSet;

use migrate_tests::production::has_pg_dump;
use migrate_tests::subject::in_parallel;
use migrate_tests::{Terminal, TestEnvironment, binaries, nightly, skip};

use crate::harness_outputs::{LOOKING, shop};

/// What is asked of every verb beside [`LOOKING`]: where it refuses, its hint is what counts.
const OTHERS: [(&[&str], i32); 27] = [
    (&["init"], 0),
    (&["new"], 5),
    (&["new", "--template", "help"], 0),
    (&["up", "--dry-run"], 0),
    (&["up", "--env", "nope"], 5),
    (&["up", "--env", "production"], 1),
    (&["up", "--backup", "nope", "--env", "production"], 1),
    (&["down", "--env", "production"], 1),
    (&["redo", "--env", "production"], 1),
    (&["status", "--check"], 8),
    (&["lock", "--check"], 0),
    (&["repair"], 0),
    (&["lint"], 0),
    (&["lint", "--rules"], 0),
    (&["schema"], 0),
    (&["schema", "diff", "database", "nope"], 5),
    (&["schema", "validate"], 5),
    (&["drift"], 0),
    (&["verify", "--scratch"], 0),
    (&["ci", "init", "--gitlab"], 0),
    (&["backup", "verify", "nope"], 5),
    (&["backup", "restore", "nope"], 5),
    (&["rehearse", "--backup", "nope"], 5),
    (&["report", "show", "nope"], 5),
    (&["local", "status"], 0),
    (&["completions", "bash"], 0),
    (&["man"], 0),
];

/// Names that mean one thing: with a digit or an underscore in them, and nothing that is not of a name.
fn ids(text: &str) -> BTreeSet<&str> {
    let is_id = |word: &&str| {
        word.len() >= 8
            && word.contains(|c: char| c.is_ascii_digit() || c == '_')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./:@".contains(c))
    };
    text.split(|c: char| c.is_whitespace() || "`'\",;()…".contains(c)).filter(is_id).collect()
}

/// What stands in backticks on one line.
fn commands(text: &str) -> BTreeSet<&str> {
    text.split('\n')
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|code| code.starts_with("cargo migrate "))
        .collect()
}

/// The screen without what was drawn over.
fn screen(environment: &TestEnvironment, arguments: &[&str], width: u16) -> (i32, String) {
    let mut command = environment.command(arguments);
    let command = command.env_remove("COLUMNS").env("NO_COLOR", "1").env("TERM", "dumb");
    let output = Terminal::start(command, width).wait();
    (output.code, output.stdout)
}

#[track_caller]
fn hold(environment: &TestEnvironment, arguments: &[&str], code: i32, widths: &[u16]) {
    let (_, wide) = screen(environment, arguments, 1000);
    // A script and a manual page are for programs: it counts that they are there.
    let wide = if ["completions", "man"].contains(&arguments[0]) { String::new() } else { wide };
    for &width in widths {
        let (narrow_code, narrow) = screen(environment, arguments, width);
        assert_eq!(narrow_code, code, "{arguments:?} at {width}: {narrow}");
        let words: Vec<_> =
            narrow.split('\n').map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
        let whole = ids(&wide);
        for (line, next) in words.iter().zip(words.iter().skip(1)) {
            let (Some(end), Some(begin)) = (line.last(), next.first()) else { continue };
            let joined = format!("{end}{begin}");
            let broken = whole.contains(joined.trim_matches(|c| "`'\",;()".contains(c)));
            assert!(!broken, "{arguments:?} at {width}: {joined} is broken in two:\n{narrow}");
        }
        // Messages of the records are prose.
        for id in whole.iter().filter(|_| arguments[0] != "history") {
            let typed = ["backup-", "-report-"].iter().any(|part| id.contains(part));
            let cut = (8..id.len()).any(|end| narrow.contains(&format!("{}…", &id[..end])));
            assert!(!(typed && cut), "{arguments:?} at {width}: {id} is cut:\n{narrow}");
        }
        // Help is prose, and clap's to break.
        for command in commands(&wide).into_iter().filter(|_| arguments.last() != Some(&"--help")) {
            // What has a time in it is another one the second time.
            let varies = command.contains("202");
            assert!(
                varies || narrow.contains(command),
                "{arguments:?} at {width}: `{command}` is broken:\n{narrow}"
            );
        }
    }
}

/// Those that start servers or run for seconds.
const SLOW: [&str; 4] = ["verify", "drift", "postflight", "rehearse"];

#[test]
fn every_quick_verb_can_be_read_on_one() {
    every_verb(false);
}

#[test]
fn every_verb_can_be_read_on_both() {
    nightly!();
    every_verb(true);
}

fn every_verb(all: bool) {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = shop();
    let manifest = environment.read("Cargo.toml");
    environment.write(
        "Cargo.toml",
        manifest + "[package.metadata.migrate.env.production]\nprotected = true\nlog-dir = \"elsewhere\"\n",
    );
    // Each verb is looked at, and its help. The reference is made from the command line itself.
    let reference = std::fs::read_to_string(binaries::workspace().join("docs/cli.md")).unwrap();
    let headings =
        reference.split('\n').filter_map(|line| line.split_once("# cargo migrate ").map(|(_, name)| name));
    let helps: Vec<Vec<&str>> = headings.map(|name| name.split(' ').collect()).collect();
    assert!(helps.len() > 30, "{helps:?}");
    let looked_at: BTreeSet<_> = LOOKING
        .iter()
        .chain(&OTHERS)
        .map(|(arguments, _)| arguments.iter().find(|word| !word.starts_with('-')).unwrap())
        .collect();
    for name in helps.iter().filter(|name| name.len() == 1) {
        assert!(looked_at.contains(&name[0]), "nobody looks at {name:?}");
    }
    // What changes files of the project goes first, and alone.
    let (first, others) = OTHERS.split_at(1);
    for (arguments, code) in first {
        hold(&environment, arguments, *code, &[20]);
    }
    let others = LOOKING.iter().chain(others).filter(|(arguments, _)| all || !SLOW.contains(&arguments[0]));
    let others: Vec<_> = others.zip([20, 40].into_iter().cycle()).collect();
    in_parallel(&others, |((arguments, code), width)| {
        hold(&environment, arguments, *code, if all { &[20, 40] } else { std::slice::from_ref(width) });
    });
    in_parallel(&helps, |name| {
        let arguments: Vec<_> = name.iter().copied().chain(["--help"]).collect();
        if all {
            return hold(&environment, &arguments, 0, &[20, 40]);
        }
        let (code, text) = screen(&environment, &arguments, 20);
        assert!(code == 0 && text.contains("Usage"), "{arguments:?}: {text}");
    });
}
