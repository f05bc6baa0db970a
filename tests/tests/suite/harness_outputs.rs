//! T42 over the safety harness: whatever becomes of its outputs, a preflight, a backup, a restore or a deployment ends as it
//! must and says so in its exit code; and a terminal gets what it can show.

use migrate_tests::production::{TWO, applied, backups, has_pg_dump, project};
use migrate_tests::{Output, Terminal, TestEnvironment, skip};

/// One migration applied and one pending, and a verified backup of it.
pub(crate) fn shop() -> TestEnvironment {
    let environment = project(&TWO[..1], "");
    environment.run(&["up"]).success();
    environment.migration(TWO[1].0, TWO[1].1, TWO[1].2);
    environment.run(&["lock"]).success();
    environment.run(&["backup", "create"]).success();
    environment.run(&["backup", "verify"]).success();
    environment.run(&["preflight"]).success();
    environment
}

/// The verbs that change nothing in the database, with their exit codes there.
pub(crate) const LOOKING: [(&[&str], i32); 15] = [
    (&["preflight"], 0),
    (&["backup", "list"], 0),
    (&["backup", "show"], 0),
    (&["backup", "verify"], 0),
    (&["backup", "prune", "--keep", "1", "--dry-run"], 0),
    (&["postflight"], 0),
    (&["deploy", "--dry-run"], 0),
    (&["health"], 8),
    (&["doctor"], 0),
    (&["-v", "status"], 0),
    (&["history"], 0),
    (&["history", "--files"], 0),
    (&["report", "list"], 0),
    (&["report", "show"], 0),
    (&["down", "--dry-run"], 0),
];

/// Runs the program as `"$@"` of a script.
fn sh(environment: &TestEnvironment, script: &str, arguments: &[&str]) -> Output {
    let mut command = environment.program("sh");
    command.args(["-c", script, "sh"]).arg(migrate_tests::binaries::program("cargo-migrate")).arg("migrate");
    environment.capture(command.args(arguments))
}

/// What a shell says of the program's end, whatever is done with its outputs.
fn code(environment: &TestEnvironment, script: &str, arguments: &[&str]) -> String {
    sh(environment, script, arguments).success();
    environment.read("code").trim().to_owned()
}

#[test]
fn a_reader_who_goes_away_changes_no_exit_code() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = shop();
    let scripts = [
        "{ \"$@\" 2>&1; echo $? >code; } | head -1",
        "{ \"$@\"; echo $? >code; } | true",
        "\"$@\" >&-; echo $? >code",
        "\"$@\" 2>&-; echo $? >code",
        "\"$@\" <&- >&- 2>&-; echo $? >code",
    ];
    for (number, (verb, expected)) in LOOKING.into_iter().enumerate() {
        // Each verb in each form for people or for programs, in turn.
        for (turn, script) in scripts.iter().enumerate() {
            let format = if (number + turn) % 2 == 0 { "human" } else { "json" };
            let got = code(&environment, script, &[&["--format", format], verb].concat());
            assert_eq!(got, expected.to_string(), "{verb:?} as {format} in {script}");
        }
    }
    // Whoever wants the result and has no room for it is told.
    for verb in [&["preflight"][..], &["backup", "list"]] {
        let output = sh(&environment, "\"$@\" >/dev/full", verb);
        assert!(
            output.expect(5).stderr.contains("standard output could not be written"),
            "{}",
            output.stderr
        );
    }
}

/// Backups are whole where nobody hears of them, and a restore and a deployment go to their ends.
#[test]
fn what_changes_something_goes_to_its_end_unheard() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    for (script, format) in [
        ("{ \"$@\" 2>&1; echo $? >code; } | true", "human"),
        ("{ \"$@\" 2>&1; echo $? >code; } | head -c 1", "json"),
        ("\"$@\" <&- >&- 2>&-; echo $? >code", "human"),
        ("\"$@\" 2>/dev/full; echo $? >code", "human"),
    ] {
        let environment = shop();
        let run = |arguments: &[&str]| {
            let got = code(&environment, script, &[&["-v", "--format", format], arguments].concat());
            assert_eq!(got, "0", "{arguments:?} in {script}");
        };
        run(&["backup", "create", "--as", "directory", "--jobs", "2"]);
        run(&["rehearse"]);
        run(&["backup", "prune", "--keep", "1", "--yes"]);
        run(&["deploy"]);
        assert_eq!(applied(&environment), "0001_create_a 0002_create_b");
        environment.run(&["status", "--check"]).success();
        let made = backups(&environment);
        assert!(made.len() >= 2 && made.iter().all(|name| name.starts_with("backup-")), "{made:?}");
        for backup in &made {
            environment.run(&["backup", "verify", backup]).success();
        }
        let copy = format!("{}_copy", environment.database().name());
        run(&["backup", "restore", "--into", &copy, "--yes"]);
        let rows = "SELECT count(*) FROM pg_database WHERE datname = $1 AND datconnlimit <> 0";
        let there = environment.client().query_one(rows, &[&copy]).unwrap();
        assert_eq!(there.get::<_, i64>(0), 1, "{script}");
        run(&["backup", "restore", "--discard", &copy, "--yes"]);
        run(&["-v", "postflight"]);
    }
}

/// Where nobody can be asked, nothing is destroyed.
#[test]
fn a_question_that_nobody_hears_is_a_no() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = shop();
    for _ in 0..2 {
        environment.run(&["backup", "create"]).success();
    }
    let before = backups(&environment);
    for script in
        ["\"$@\" <&- >&- 2>&-; echo $? >code", "{ yes | \"$@\"; echo $? >code; } 2>&1 | cat >/dev/null"]
    {
        for verb in [&["backup", "prune", "--keep", "1"][..], &["backup", "restore", "--swap"]] {
            let got = code(&environment, script, verb);
            assert!(["1", "5"].contains(&&*got), "{verb:?} in {script}: {got}");
        }
    }
    assert_eq!(backups(&environment), before);
}

#[test]
fn a_file_gets_no_control_characters() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let mut environment = shop();
    environment.set_var("TERM", "xterm-256color");
    for (verb, expected) in LOOKING {
        for columns in ["100", "20"] {
            environment.set_var("COLUMNS", columns);
            let output = environment.run(verb);
            let all = format!("{}{}", output.expect(expected).stdout, output.stderr);
            assert!(!all.contains(|c: char| c.is_control() && c != '\n'), "{verb:?}: {all:?}");
        }
    }
    let output = environment.run(&["backup", "create"]);
    assert!(!format!("{}{}", output.success().stdout, output.stderr).contains(['\u{1b}', '\r']));
    let coloured = environment.run(&["health", "--color", "always"]);
    assert!(coloured.expect(8).stdout.contains("\u{1b}["), "{}", coloured.stdout);
}

#[test]
fn a_terminal_gets_what_it_can_show() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let mut environment = shop();
    environment.remove_var("COLUMNS");
    for (number, (verb, expected)) in LOOKING.into_iter().enumerate() {
        let dumb = number % 2 == 0;
        let variables =
            if dumb { [("TERM", "dumb"), ("X", "")] } else { [("TERM", "xterm"), ("NO_COLOR", "1")] };
        let mut command = environment.command(verb);
        let output = Terminal::start(command.envs(variables), 20).wait();
        let text = &output.expect(expected).stdout;
        assert!(!text.contains("\u{1b}[3"), "{verb:?}: {text:?}");
        assert!(!dumb || !text.contains(['\u{1b}', '\r']), "{verb:?}: {text:?}");
    }
    for verb in [&["backup", "create"][..], &["backup", "verify"], &["deploy"]] {
        for width in [1, 20] {
            let mut command = environment.command(verb);
            let output = Terminal::start(command.env("TERM", "xterm"), width).wait();
            let text = output.success().stdout.clone();
            // What was drawn over is wiped, and the result is on lines of its own.
            let last = text.rsplit('\r').next().unwrap();
            assert!(text.ends_with('\n') && !last.trim().is_empty(), "{verb:?}: {text:?}");
        }
    }
    assert_eq!(applied(&environment), "0001_create_a 0002_create_b");
}
