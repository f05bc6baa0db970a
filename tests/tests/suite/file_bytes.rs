//! T30: what the bytes of a file mean, or that they mean nothing, through the program.

use migrate_tests::TestEnvironment;

const TEXT: &str = "-- one\nSELECT 'two'\n  AS three;\n";

/// The project's `lock` and its dry run, which need no server to have been asked anything.
fn lock(environment: &TestEnvironment) -> Vec<String> {
    environment.run(&["lock", "--dir", "migrations"]).success();
    let lock = environment.read("migrations/migrations.lock");
    lock.split('\n').filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect()
}

fn with(bytes: &[u8]) -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.migration("0001_a", TEXT, "SELECT 1;\n");
    environment.write("migrations/0001_a.up.sql", bytes);
    environment
}

#[test]
fn a_mark_and_the_line_ends_of_windows_are_no_content() {
    let plain = lock(&with(TEXT.as_bytes()));
    let windows = TEXT.replace('\n', "\r\n");
    let marked = format!("\u{feff}{TEXT}");
    let both = format!("\u{feff}{windows}");
    for bytes in [windows.as_bytes(), marked.as_bytes(), both.as_bytes()] {
        let environment = with(bytes);
        assert_eq!(lock(&environment), plain, "{bytes:?}");
        let dry_run = environment.run(&["up", "--dry-run"]);
        assert!(dry_run.success().stdout.contains(TEXT), "{}", dry_run.stdout);
        environment.run(&["up"]).success();
        // The next checkout has other line ends, and nothing was modified.
        environment.write("migrations/0001_a.up.sql", TEXT);
        environment.run(&["status", "--check"]).success();
    }
}

#[test]
fn everything_else_is_content() {
    let mut seen = vec![lock(&with(TEXT.as_bytes()))];
    let without_the_last_end = TEXT.trim_end();
    let old_mac = TEXT.replace('\n', "\r");
    let ctrl_z = format!("{TEXT}\u{1a}");
    let two_marks = format!("\u{feff}\u{feff}{TEXT}");
    for text in [without_the_last_end, &old_mac, &ctrl_z, &two_marks, "SELECT 'x';\r\r\n"] {
        let environment = with(text.as_bytes());
        let lines = lock(&environment);
        assert!(!seen.contains(&lines), "{text:?}");
        seen.push(lines);
        // Printed as it would run, with what a terminal would obey spelled out.
        let dry_run = environment.run(&["up", "--dry-run"]);
        assert!(!dry_run.success().stdout.contains(['\r', '\u{1a}', '\u{feff}']), "{:?}", dry_run.stdout);
    }
    // No final line end is fine, and a comment ends at a lone CR as for PostgreSQL itself.
    with(without_the_last_end.as_bytes()).run(&["up"]).success();
    with(b"-- one\rCREATE TABLE seen ();").run(&["up"]).success();
}

#[test]
fn what_is_no_text_is_refused_with_the_place() {
    let utf16: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked: Vec<u8> = [0xff, 0xfe].into_iter().chain(utf16.iter().copied()).collect();
    let table: [(&[u8], &str); 6] = [
        (b"SELECT '\xe9t\xe9';\n", "byte 8 (0xe9) is not UTF-8"),
        (b"\xef\xbb\xbfSELECT '\xff';\n", "byte 11 (0xff) is not UTF-8"),
        (b"SELECT '\xc3", "byte 8 (0xc3) is not UTF-8"),
        (b"SELECT 1;\0\n", "byte 9 is NUL"),
        (&utf16, "is UTF-16"),
        (&marked, "is UTF-16"),
    ];
    for (bytes, said) in table {
        let environment = with(bytes);
        for verb in [&["lock"][..], &["up", "--dry-run"], &["up"], &["status"]] {
            let output = environment.run(verb);
            output.expect(5);
            let named = output.stderr.contains("0001_a.up.sql") && output.stderr.contains(said);
            assert!(named && output.stderr.contains("hint: "), "{bytes:?}: {}", output.stderr);
        }
        assert!(!environment.path("migrations/migrations.lock").exists());
    }
}

#[test]
fn digits_that_only_look_like_digits_are_refused() {
    for digits in ["\u{ff10}\u{ff11}", "\u{0661}", "\u{1d7d9}"] {
        let environment = TestEnvironment::new();
        environment.migration(&format!("{digits}_a"), "SELECT 1;\n", "SELECT 1;\n");
        let output = environment.run(&["up", "--dry-run"]);
        assert!(output.expect(5).stderr.contains("ASCII digit"), "{}", output.stderr);
    }
}

#[test]
fn the_lock_is_what_sha256sum_says() {
    let environment = with(TEXT.as_bytes());
    lock(&environment);
    let mut command = environment.program("sha256sum");
    command.args(["--check", "--strict", "migrations.lock"]).current_dir(environment.path("migrations"));
    let output = environment.capture(&mut command);
    assert!(output.success().stdout.contains("0001_a.up.sql: OK"), "{}", output.stdout);
}
