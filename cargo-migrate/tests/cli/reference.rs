//! `docs/cli.md` is written from the command line itself: a verb or an argument that it lacks cannot be.

use std::fmt::Write;
use std::path::Path;

use cargo_migrate::args::Cli;
use clap::{Arg, ArgAction, Command, CommandFactory};

#[test]
fn the_reference_is_up_to_date() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
    let written = reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&page, &written).unwrap();
    }
    let found = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(
        found == written,
        "docs/cli.md is not what the command line says: UPDATE_DOCS=1 cargo test -p cargo-migrate reference"
    );
}

fn reference() -> String {
    let mut command = Cli::command().term_width(0);
    command.build();
    let mut page = "# The command line\n\nWritten from the program's own help by a test \
                    (`UPDATE_DOCS=1 cargo test -p cargo-migrate reference`); do not edit it.\n\n"
        .to_owned();
    writeln!(page, "`cargo migrate [OPTIONS] VERB`\n\n## Every verb takes\n").unwrap();
    arguments(&mut page, command.get_arguments().filter(|argument| argument.is_global_set()));
    for verb in command.get_subcommands() {
        describe(&mut page, verb, "cargo migrate", 2);
    }
    let codes = command.get_after_help().unwrap().to_string();
    writeln!(page, "\n## Exit codes\n\n```text\n{}\n```", codes.split_once('\n').unwrap().1).unwrap();
    page
}

fn describe(page: &mut String, verb: &Command, parent: &str, level: usize) {
    let name = format!("{parent} {}", verb.get_name());
    write!(page, "\n{} {name}\n\n", "#".repeat(level)).unwrap();
    let about = verb.get_long_about().or(verb.get_about()).map(ToString::to_string).unwrap_or_default();
    // The first line of a help has no full stop.
    let (first, rest) = about.split_once("\n\n").unwrap_or((&about, ""));
    writeln!(page, "{first}.").unwrap();
    if !rest.is_empty() {
        writeln!(page, "\n{rest}").unwrap();
    }
    let own: Vec<_> = verb
        .get_arguments()
        .filter(|argument| {
            !argument.is_global_set() && !["help", "version"].contains(&argument.get_id().as_str())
        })
        .collect();
    if !own.is_empty() {
        page.push('\n');
        arguments(page, own.into_iter());
    }
    for inner in verb.get_subcommands().filter(|inner| inner.get_name() != "help") {
        describe(page, inner, &name, level + 1);
    }
}

fn arguments<'a>(page: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    page.push_str("| argument | |\n|---|---|\n");
    for argument in arguments {
        let help =
            argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
        let mut said = help.replace("\n\n", ". ").replace('\n', " ").replace('|', "\\|");
        let values: Vec<_> =
            argument.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
        if !values.is_empty() && takes_value(argument) {
            write!(said, ": {}", values.join(", ")).unwrap();
        }
        let defaults: Vec<_> =
            argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        if !defaults.is_empty() && takes_value(argument) {
            write!(said, " (default `{}`)", defaults.join(" ")).unwrap();
        }
        writeln!(page, "| {} | {said} |", usage(argument)).unwrap();
    }
}

fn takes_value(argument: &Arg) -> bool {
    matches!(argument.get_action(), ArgAction::Set | ArgAction::Append)
}

/// `-t`, `--template TEMPLATE`.
fn usage(argument: &Arg) -> String {
    let names: Vec<_> = argument.get_value_names().into_iter().flatten().map(ToString::to_string).collect();
    let value = if takes_value(argument) { names.join(" ") } else { String::new() };
    if argument.is_positional() {
        return format!("`{value}`");
    }
    let short = argument.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
    let long = argument.get_long().unwrap_or_default();
    match (argument.is_require_equals_set(), value.is_empty()) {
        (true, _) => format!("{short}`--{long}[={value}]`"),
        (false, true) => format!("{short}`--{long}`"),
        (false, false) => format!("{short}`--{long} {value}`"),
    }
}
