//! Completion scripts and manual pages, read by the programs that they are for.

use std::process::Command;

use migrate_tests::{TestEnvironment, output, skip};

const VERBS: [&str; 12] = [
    "init",
    "new",
    "up",
    "down",
    "redo",
    "status",
    "lock",
    "repair",
    "history",
    "local",
    "completions",
    "man",
];

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[test]
fn a_script_for_every_shell_that_the_shell_can_read() {
    let environment = TestEnvironment::without_database();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = environment.run(&["completions", shell]).success().stdout.clone();
        for verb in VERBS {
            assert!(script.contains(verb), "{shell}: no {verb}");
        }
        assert!(script.contains("allow-out-of-order"), "{shell}");
        // Those that are not installed are not this project's: bash is everywhere.
        if ["bash", "zsh", "fish"].contains(&shell) && (shell == "bash" || is_there(shell)) {
            let file = environment.write(format!("completions.{shell}"), &script);
            let output = environment.capture(environment.program(shell).arg("-n").arg(file));
            assert_eq!(output.success().stderr, "", "{shell}");
        }
    }
    environment.run(&["completions", "tcsh"]).expect(5);
}

#[test]
fn bash_completes_a_verb_and_a_flag() {
    let environment = TestEnvironment::without_database();
    let script = environment.run(&["completions", "bash"]).success().stdout.clone();
    let file = environment.write("completions.bash", &script);
    let complete = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let ask = format!(
            "source {}; COMP_WORDS=({line}); COMP_CWORD={}; \
             $(complete -p cargo-migrate | sed 's/.*-F \\([^ ]*\\).*/\\1/') cargo-migrate '{}' '{}'; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            file.display(),
            words.len() - 1,
            words[words.len() - 1],
            words[words.len() - 2],
        );
        environment.capture(environment.program("bash").args(["-c", &ask])).success().stdout.clone()
    };
    assert_eq!(complete("cargo-migrate re"), "redo\nrepair\nrehearse\nreport\n");
    assert_eq!(complete("cargo-migrate up --allow"), "--allow-out-of-order\n");
}

#[test]
fn manual_pages_render_without_a_warning() {
    if !is_there("groff") {
        skip!("groff is not installed");
    }
    let environment = TestEnvironment::without_database();
    for verb in std::iter::once(None).chain(VERBS.map(Some)) {
        let page =
            environment.run(&["man"].into_iter().chain(verb).collect::<Vec<_>>()).success().stdout.clone();
        let file = environment.write("page.1", &page);
        let mut groff = Command::new("groff");
        let output = output::capture(groff.args(["-man", "-Kutf8", "-Tutf8", "-ww", "-P-cbou"]).arg(file));
        assert_eq!(output.success().stderr, "", "{verb:?}");
        let name = verb.map_or("cargo-migrate".to_owned(), |verb| format!("cargo-migrate-{verb}"));
        assert!(output.stdout.contains(&name) && output.stdout.contains("SYNOPSIS"), "{}", output.stdout);
    }
}
