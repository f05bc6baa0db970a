//! Every verb that changes something, or looks at a database for a report, is in the records, and is read back from them.

use std::collections::BTreeSet;

use migrate_tests::TestEnvironment;
use serde_json::Value;

/// What `docs/records.md` lists.
const RECORDED: [&str; 12] = [
    "up",
    "down",
    "redo",
    "repair",
    "preflight",
    "backup create",
    "backup verify",
    "backup prune",
    "backup restore",
    "postflight",
    "deploy",
    "rehearse",
];

fn document(environment: &TestEnvironment, arguments: &[&str]) -> Value {
    let output = environment.run(&[&["--format", "json"], arguments].concat());
    serde_json::from_str::<Value>(&output.success().stdout).unwrap()["result"].take()
}

#[test]
fn every_verb_is_recorded_and_read_back() {
    let environment = TestEnvironment::new();
    let lock = || environment.run(&["lock"]).success().code;
    environment.migration("0001_a", "CREATE TABLE a (id int);\n", "DROP TABLE a;\n");
    environment.run(&["up"]).success();
    environment.run(&["redo"]).success();
    environment.run(&["down"]).success();
    environment.run(&["up"]).success();
    environment.migration("0001_a", "-- with a word\nCREATE TABLE a (id int);\n", "DROP TABLE a;\n");
    lock();
    environment.run(&["repair", "--yes"]).success();
    environment.run(&["backup", "create"]).success();
    environment.run(&["backup", "verify"]).success();
    environment.migration("0002_b", "CREATE TABLE b (id int);\n", "DROP TABLE b;\n");
    lock();
    environment.run(&["rehearse"]).success();
    environment.run(&["preflight"]).success();
    environment.run(&["deploy"]).success();
    environment.run(&["postflight"]).success();
    let name = format!("{}_copy", environment.database().name());
    environment.run(&["backup", "restore", "--into", &name, "--yes"]).success();
    environment.run(&["backup", "restore", "--discard", &name, "--yes"]).success();
    environment.run(&["backup", "prune", "--keep", "1", "--yes"]).success();

    let text = environment.read(".migrate/log/migrations.jsonl");
    let written: Vec<Value> =
        text.split_terminator('\n').map(|line| serde_json::from_str(line).unwrap()).collect();
    let runs = |event: &str| -> BTreeSet<&str> {
        let of = written.iter().filter(|line| line["event"] == event);
        of.map(|line| line["command"].as_str().unwrap()).collect()
    };
    assert_eq!(runs("run_started"), RECORDED.into());
    assert_eq!(runs("run_finished"), RECORDED.into());
    for line in &written {
        let word = |name: &str| line[name].as_str().unwrap_or_default();
        assert!(word("timestamp").ends_with('Z') && word("timestamp").len() == 24, "{line}");
        assert!(["debug", "info", "warn", "error"].contains(&word("level")), "{line}");
        assert!(
            !word("event").is_empty() && !word("message").is_empty() && !word("run").is_empty(),
            "{line}"
        );
        if ["started", "finished"].contains(&word("event")) {
            assert!(["up", "down"].contains(&word("type")) && word("checksum").len() == 64, "{line}");
            assert!(word("version").starts_with("000"), "{line}");
            assert_eq!(line["duration_ms"].is_f64(), word("event") == "finished", "{line}");
        }
    }
    // Which verb did something to which migration.
    let done = |command: &str| -> Vec<String> {
        let of = written.iter().filter(|line| line["command"] == command && line["event"] == "finished");
        of.map(|line| format!("{} {}", line["type"].as_str().unwrap(), line["version"].as_str().unwrap()))
            .collect()
    };
    assert_eq!(done("up"), ["up 0001_a", "up 0001_a"]);
    assert_eq!(done("redo"), ["down 0001_a", "up 0001_a"]);
    assert_eq!(done("down"), ["down 0001_a"]);
    assert_eq!(done("rehearse"), ["up 0002_b", "down 0002_b"]);
    assert_eq!(done("deploy"), ["up 0002_b"]);
    let repaired = written.iter().find(|line| line["event"] == "repaired").unwrap();
    assert_eq!((&repaired["version"], &repaired["type"]), (&"0001_a".into(), &"accept_checksum".into()));
    assert_eq!(repaired["checksum"].as_str().unwrap().len(), 64, "{repaired}");

    // All of it is read back, whatever its event, in both forms.
    let read = document(&environment, &["history", "--files", "--limit", "100000"]);
    assert_eq!(read["lines"].as_array().unwrap().len(), written.len());
    let mut command = environment.command(&["history", "--files", "--limit", "100000"]);
    let shown = environment.capture(command.env("COLUMNS", "1000"));
    for line in &written {
        let message = line["message"].as_str().unwrap().split('\n').next().unwrap();
        let words: Vec<_> = message.split_whitespace().take(4).collect();
        assert!(shown.success().stdout.contains(&words.join(" ")), "{line}\n{}", shown.stdout);
    }
    let kinds = document(&environment, &["report", "list"]);
    let kinds = kinds["reports"].as_array().unwrap();
    let told: BTreeSet<_> =
        kinds.iter().map(|one| (one["kind"].as_str().unwrap(), one["outcome"].as_str().unwrap())).collect();
    let expected = [
        ("deploy", "done"),
        ("postflight", "passed"),
        ("preflight", "passed"),
        ("rehearse", "passed"),
        ("restore", "restored"),
    ];
    assert_eq!(told, expected.into());
    for report in kinds {
        let shown = environment.run(&["report", "show", report["id"].as_str().unwrap()]);
        assert!(shown.success().stdout.split('\n').count() > 2, "{}", shown.stdout);
    }
    // And in the database's own log.
    let entries = document(&environment, &["history"]);
    let actions: BTreeSet<_> = entries["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    for action in ["up", "down", "repair"] {
        assert!(actions.contains(action), "{action}: {actions:?}");
    }
}
