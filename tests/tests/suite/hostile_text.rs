//! T32: text of others reaches no terminal as anything but text: not from file names, scripts, notices, errors, the
//! history, or another session's name; in JSON neither.

use migrate_tests::{Output, TestEnvironment};

/// Clears the screen, sets the title, fills the clipboard, links, overwrites, and turns the line around.
const NASTY: &str = "\u{1b}[2J\u{1b}]0;title\u{7}\u{1b}]52;c;aGk=\u{7}\u{1b}]8;;x:\u{1b}\\\r\u{8}\u{9b}31m\u{202e}drow\u{2066}\u{7f}";

/// What a terminal would obey, and what reorders a line.
fn hostile(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[track_caller]
fn harmless(output: &Output) {
    for text in [&output.stdout, &output.stderr] {
        assert!(!text.contains(hostile), "{text:?}");
    }
}

/// Runs it for people, wide and narrow, and for programs.
#[track_caller]
fn run(environment: &mut TestEnvironment, code: i32, arguments: &[&str], said: &str) {
    for columns in ["100", "20"] {
        environment.set_var("COLUMNS", columns);
        let output = environment.run(arguments);
        harmless(output.expect(code));
        let all = format!("{}{}", output.stdout, output.stderr);
        assert!(columns == "20" || all.contains(said), "{said}: {all}");
    }
    let json: Vec<_> = arguments.iter().copied().chain(["--format", "json"]).collect();
    let output = environment.run(&json);
    harmless(output.expect(code));
    serde_json::from_str::<serde_json::Value>(&output.stdout).unwrap();
    for line in output.stderr.split_terminator('\n') {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
}

#[test]
fn in_the_name_of_a_file_or_a_folder() {
    let mut environment = TestEnvironment::new();
    environment.write(format!("migrations/0001_{}.up.sql", NASTY.replace('/', "")), "SELECT 1;\n");
    run(&mut environment, 5, &["status"], "\\u{1b}[2J");
    run(&mut environment, 5, &["status", "--dir", NASTY], "\\u{1b}[2J");
    run(&mut environment, 5, &["status", "--env", NASTY], "\\u{1b}[2J");
    // A line feed in a name cannot make a line of its own.
    let mut environment = TestEnvironment::new();
    environment.write("migrations/0001_a\nhint: all is well.up.sql", "SELECT 1;\n");
    run(&mut environment, 5, &["status"], "0001_a");
    let output = environment.run(&["status"]);
    assert!(!output.stderr.contains("\nhint: all is well"), "{}", output.stderr);
}

#[test]
fn in_arguments_that_make_no_sense() {
    let environment = TestEnvironment::without_database();
    for arguments in
        [&[NASTY][..], &["up", NASTY], &["up", "--to", NASTY], &["man", NASTY], &["new", "a", "-t", NASTY]]
    {
        harmless(environment.run(arguments).expect(5));
    }
}

#[test]
fn in_a_script() {
    let mut environment = TestEnvironment::new();
    let up = format!("-- {NASTY}\nSELECT '{NASTY}';\n-- end\n");
    environment.migration("0001_a", &up, &format!("-- {NASTY}\nSELECT 1;\n"));
    run(&mut environment, 0, &["up", "--dry-run"], "\\u{1b}[2J");
    environment.migration("0001_a", &format!("SELECT '{NASTY}', nope;\n"), "SELECT 1;\n");
    run(&mut environment, 2, &["up"], "\\u{1b}[2J");
    environment.migration("0001_a", &format!("-- migrate: {NASTY}\nSELECT 1;\n"), "SELECT 1;\n");
    run(&mut environment, 5, &["up"], "\\u{1b}[2J");
    environment.migration("0001_a", &format!("SELECT 1; -- {NASTY}\nSELECT 'open;\n"), "SELECT 1;\n");
    run(&mut environment, 5, &["up"], "is not terminated");
}

#[test]
fn in_what_the_server_says() {
    let mut environment = TestEnvironment::new();
    let raise = |level: &str| {
        format!(
            "DO $do$ BEGIN RAISE {level} '%', $t${NASTY}$t$ USING DETAIL = $t${NASTY}$t$, HINT = $t${NASTY}$t$; END $do$;\n"
        )
    };
    environment.migration("0001_a", &raise("EXCEPTION"), "SELECT 1;\n");
    run(&mut environment, 2, &["up"], "\\u{1b}[2J");
    run(&mut environment, 0, &["history"], "\\u{1b}[2J");
    for level in ["NOTICE", "WARNING"] {
        environment.migration("0001_a", &raise(level), "SELECT 1;\n");
        harmless(environment.run(&["up"]).success());
        harmless(environment.run(&["redo", "--format", "json"]).success());
        harmless(environment.run(&["down", "-v"]).success());
    }
}

#[test]
fn in_the_history() {
    let mut environment = TestEnvironment::new();
    environment.migration("0001_a", "SELECT 1;\n", "SELECT 1;\n");
    environment.run(&["up"]).success();
    let mut client = environment.client();
    client
        .execute("INSERT INTO schema_migrations (version, checksum) VALUES ('0000_' || $1, $1)", &[&NASTY])
        .unwrap();
    run(&mut environment, 0, &["status"], "0000_\\u{1b}");
    run(&mut environment, 8, &["status", "--check"], "0000_\\u{1b}");
    run(&mut environment, 9, &["up"], "0000_\\u{1b}");
    run(&mut environment, 0, &["repair"], "0000_\\u{1b}");
}

#[test]
fn in_the_name_of_who_is_in_the_way() {
    let environment = TestEnvironment::new();
    environment.migration(
        "0001_a",
        "-- migrate: lock-timeout 100ms\nALTER TABLE t ADD x int;\n",
        "ALTER TABLE t DROP x;\n",
    );
    let mut client = environment.client();
    // The server itself keeps letters of ASCII only in a name; the text of a query it keeps as it is.
    client.execute("SELECT set_config('application_name', $1, false)", &[&NASTY]).unwrap();
    client.batch_execute("CREATE TABLE t ()").unwrap();
    client.batch_execute(&format!("BEGIN; LOCK TABLE t; SELECT '{NASTY}'")).unwrap();
    let mut running = environment.spawn(&["up"]);
    running.wait_for_stderr("held by pid");
    client.batch_execute("COMMIT").unwrap();
    let output = running.wait();
    assert!(output.success().stderr.contains("\\u{1b}[2J"), "{}", output.stderr);
    harmless(&output);
}
