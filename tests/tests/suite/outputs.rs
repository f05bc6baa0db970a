//! T42: whatever becomes of its output, a run ends as it must and says so in its exit code; and what a terminal gets
//! depends on the terminal.

use migrate_tests::{Output, Terminal, TestEnvironment};

/// Many migrations that each have a lot to say.
fn project() -> TestEnvironment {
    let environment = TestEnvironment::new();
    let notice = "DO $$ BEGIN FOR i IN 1..200 LOOP RAISE NOTICE 'line %', i; END LOOP; END $$;\n";
    for number in 1..=6 {
        let up = format!("{notice}CREATE TABLE t{number} ();\n{notice}");
        environment.migration(&format!("{number:04}_t"), &up, &format!("DROP TABLE t{number};\n"));
    }
    environment
}

/// Runs the program as `"$@"` of a script.
fn sh(environment: &TestEnvironment, script: &str, arguments: &[&str]) -> Output {
    let mut command = environment.program("sh");
    command.args(["-c", script, "sh"]).arg(migrate_tests::binaries::program("cargo-migrate")).arg("migrate");
    environment.capture(command.args(arguments))
}

/// All is applied, and recorded, and nothing is left of the runner.
#[track_caller]
fn all_is_well(environment: &TestEnvironment) {
    environment.run(&["status", "--check"]).success();
    let sql = "SELECT count(*) FROM pg_tables WHERE tablename ~ '^t[0-9]'";
    assert_eq!(environment.client().query_one(sql, &[]).unwrap().get::<_, i64>(0), 6);
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'cargo-migrate%' \
               AND datname = current_database()";
    migrate_tests::poll_until(&mut environment.client(), sql, "0");
}

#[test]
fn a_reader_who_goes_away_stops_nothing() {
    for script in [
        "{ \"$@\" 2>&1; echo $? >code; } | head -1",
        "{ \"$@\" 2>&1 >/dev/null; echo $? >code; } | head -c 1",
        "{ \"$@\" 2>&1; echo $? >code; } | true",
    ] {
        for format in ["human", "json"] {
            let environment = project();
            sh(&environment, script, &["up", "--format", format]).success();
            assert_eq!(environment.read("code"), "0\n", "{script}");
            all_is_well(&environment);
        }
    }
}

#[test]
fn streams_that_are_closed_or_full() {
    for (script, code, said) in [
        ("\"$@\" >&-", 0, ""),
        ("\"$@\" 2>&-", 0, ""),
        ("\"$@\" <&- >&- 2>&-", 0, ""),
        ("\"$@\" 2>/dev/full", 0, ""),
        // Whoever redirected the result into a full disk does not have it.
        ("\"$@\" >/dev/full", 5, "standard output could not be written"),
    ] {
        let environment = project();
        let output = sh(&environment, script, &["up"]);
        assert!(output.expect(code).stderr.contains(said), "{script}: {}", output.stderr);
        all_is_well(&environment);
    }
}

#[test]
fn a_file_gets_no_control_characters() {
    let environment = project();
    let output = environment.run(&["up"]);
    assert!(!format!("{}{}", output.success().stdout, output.stderr).contains('\u{1b}'));
    for number in 1..=6 {
        assert!(output.stderr.contains(&format!("applied {number:04}_t")), "{}", output.stderr);
    }
    let coloured = environment.run(&["status", "--color", "always"]);
    assert!(coloured.success().stdout.contains("\u{1b}[32mapplied"), "{}", coloured.stdout);
}

/// What the program writes to a terminal, with these variables.
fn on_a_terminal(variables: &[(&str, &str)], width: u16, arguments: &[&str]) -> String {
    let mut environment = project();
    environment.remove_var("COLUMNS").set_var("TERM", "xterm-256color");
    for (name, value) in variables {
        environment.set_var(*name, *value);
    }
    let output = Terminal::start(&mut environment.command(arguments), width).wait();
    all_is_well(&environment);
    output.success().stdout.clone()
}

#[test]
fn a_terminal_gets_colours_and_a_live_line_where_it_wants_them() {
    let text = on_a_terminal(&[], 80, &["up"]);
    assert!(text.contains("\u{1b}[32m     applied") && text.contains("2/6 applying 0002_t"), "{text:?}");
    // The last that is written is the result, on a line of its own.
    assert!(text.ends_with("commit it\n"), "{text:?}");

    let text = on_a_terminal(&[("NO_COLOR", "1")], 80, &["up"]);
    assert!(!text.contains("\u{1b}[3") && text.contains("2/6 applying 0002_t"), "{text:?}");
    for (variables, arguments) in [
        (&[("TERM", "dumb")][..], &["up"][..]),
        (&[("NO_COLOR", "1")], &["up", "--quiet"]),
        (&[], &["up", "--format", "json"]),
    ] {
        let text = on_a_terminal(variables, 80, arguments);
        assert!(!text.contains('\u{1b}') && !text.contains("applying"), "{text:?}");
    }
}

#[test]
fn a_narrow_terminal_is_not_overrun() {
    let mut environment = project();
    environment.remove_var("COLUMNS").set_var("TERM", "xterm").set_var("NO_COLOR", "1");
    for width in [1, 5, 20, 40] {
        for arguments in [&["up"][..], &["status"], &["history"], &["down", "--all"], &["--help"]] {
            let output = Terminal::start(&mut environment.command(arguments), width).wait();
            output.success();
            if width >= 20 && matches!(arguments, ["status"]) {
                let table = output.stdout.split("\npostgres").next().unwrap();
                for line in table.split('\n') {
                    assert!(line.chars().count() <= usize::from(width), "{width}: {line:?}");
                }
            }
        }
    }
    environment.run(&["status", "--check"]).expect(8);
}

#[test]
fn a_person_is_asked_and_answers() {
    let mut environment = TestEnvironment::new();
    environment.remove_var("COLUMNS");
    environment.migration("0001_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    environment.run(&["up"]).success();
    environment.migration("0001_a", "CREATE TABLE a ();\n", "DROP TABLE a CASCADE;\n");
    let ask = |answer: &str| {
        let mut terminal = Terminal::start(&mut environment.command(&["down"]), 80);
        terminal.wait_for("which one rolls back? [recorded/file/N] ");
        terminal.enter(answer);
        terminal.wait()
    };
    let output = ask("");
    assert!(output.expect(1).stdout.contains("nothing was changed"), "{}", output.stdout);
    environment.run(&["status", "--check"]).success();
    let output = ask("file");
    assert!(output.success().stdout.contains("+ DROP TABLE a CASCADE;"), "{}", output.stdout);
    environment.run(&["status", "--check"]).expect(8);
}
