//! What README and `docs/` name is there: commands, flags, settings and links. And the other way round: a verb, a flag or a
//! setting that no page but the generated reference speaks of is one that nobody finds.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_migrate::args::Cli;
use cargo_migrate::config::Metadata;
use clap::error::ErrorKind;
use clap::{Command, CommandFactory, Parser};
use serde_json::{Value, json};

/// The pages that people write; `docs/cli.md` is the program's own.
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let docs = std::fs::read_dir(root.join("docs")).unwrap();
    let mut names: Vec<_> =
        docs.map(|entry| format!("docs/{}", entry.unwrap().file_name().to_str().unwrap())).collect();
    names.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(str::to_owned));
    names.retain(|name| name.ends_with(".md"));
    names.sort();
    let text = |name: &String| std::fs::read_to_string(root.join(name)).unwrap();
    names.iter().map(|name| (name.clone(), text(name))).collect()
}

/// The fenced blocks of a page with their language, and the rest of it.
fn parted(text: &str) -> (Vec<(&str, String)>, String) {
    let (mut blocks, mut prose, mut open) = (Vec::new(), String::new(), None::<(&str, String)>);
    for line in text.split('\n') {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some((_, block)), None) => *block += &format!("{line}\n"),
            (None, Some(language)) => open = Some((language, String::new())),
            (None, None) => prose += &format!("{line}\n"),
        }
    }
    assert!(open.is_none(), "a block does not end");
    (blocks, prose)
}

/// What stands in backticks in running text.
fn spans(prose: &str) -> Vec<String> {
    let spans = prose.split('`').skip(1).step_by(2);
    spans.map(|code| code.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// The words of a command as a shell takes them, up to what is for another program.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), letter) if open == letter => quote = None,
            (Some(_), letter) => word.get_or_insert_default().push(letter),
            (None, '\'' | '"') => {
                word.get_or_insert_default();
                quote = Some(letter);
            }
            (None, '#') if word.is_none() => break,
            (None, '|' | '>' | ';' | '&') => break,
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (None, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// The arguments of `cargo migrate` in a line, where it is called there. A variable may be set before it.
fn call(line: &str) -> Option<Vec<String>> {
    let mut words = words(line.strip_prefix("$ ").unwrap_or(line).trim());
    let variables = words.iter().take_while(|word| word.contains('=') && !word.starts_with('-')).count();
    words.drain(..variables);
    let is_call = words.starts_with(&["cargo".to_owned(), "migrate".to_owned()]);
    is_call.then(|| words.split_off(2))
}

fn parse(arguments: &[String]) -> Result<(), clap::Error> {
    let program = ["cargo migrate".to_owned()];
    Cli::try_parse_from(program.iter().chain(arguments)).map(drop)
}

#[test]
fn every_command_in_a_block_is_one_that_is_accepted() {
    let mut calls = 0;
    for (page, text) in pages() {
        for (language, block) in parted(&text).0 {
            // In screens only what stands behind a prompt is typed.
            let lines = block.split('\n').filter(|line| match language {
                "sh" | "bash" | "console" => true,
                _ => line.starts_with("$ "),
            });
            for line in lines {
                let Some(arguments) = call(line) else { continue };
                calls += 1;
                assert!(parse(&arguments).is_ok(), "{page}: {line}\n{}", parse(&arguments).unwrap_err());
            }
        }
    }
    assert!(calls > 100, "{calls}");
}

/// A command in a sentence may leave out what it is about: `cargo migrate new`.
#[test]
fn every_command_in_a_sentence_is_one_that_is_accepted() {
    let mut calls = 0;
    for (page, text) in pages() {
        for code in spans(&parted(&text).1) {
            let Some(arguments) = call(&code) else { continue };
            // Placeholders and alternatives.
            if arguments.iter().any(|word| word.contains(['…', '['])) || code.contains('|') {
                continue;
            }
            calls += 1;
            match parse(&arguments).map_err(|error| error.kind()) {
                Ok(())
                | Err(
                    ErrorKind::MissingRequiredArgument
                    | ErrorKind::MissingSubcommand
                    | ErrorKind::DisplayHelp
                    | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                    | ErrorKind::DisplayVersion,
                ) => {}
                Err(_) => panic!("{page}: `{code}`: {}", parse(&arguments).unwrap_err()),
            }
        }
    }
    assert!(calls > 30, "{calls}");
}

/// The program with all verbs below it, each with its whole name.
fn verbs(command: &Command) -> Vec<(String, Command)> {
    fn below(name: &str, command: &Command, all: &mut Vec<(String, Command)>) {
        for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
            let name = format!("{name} {}", verb.get_name()).trim().to_owned();
            all.push((name.clone(), verb.clone()));
            below(&name, verb, all);
        }
    }
    let mut all = vec![(String::new(), command.clone())];
    below("", command, &mut all);
    all
}

fn flags(command: &Command) -> BTreeSet<String> {
    command
        .get_arguments()
        .filter_map(|argument| argument.get_long())
        .map(|long| format!("--{long}"))
        .collect()
}

/// Flags of pg_restore that our pages name.
const OTHERS: [&str; 3] = ["--exit-on-error", "--no-owner", "--no-privileges"];

#[test]
fn every_flag_that_is_named_is_one_of_some_verb() {
    let mut command = Cli::command();
    command.build();
    let verbs = verbs(&command);
    let all: BTreeSet<_> = verbs.iter().flat_map(|(_, command)| flags(command)).collect();
    let mut wrong = Vec::new();
    for (page, text) in pages() {
        // What was once there is told in the changelog, and what others have in the comparison.
        if ["CHANGELOG.md", "docs/comparison.md", "docs/benchmarks.md"].contains(&page.as_str()) {
            continue;
        }
        for code in spans(&parted(&text).1) {
            let words = words(&code);
            // On the page about backups `verify` is that of backups.
            let is_of = |name: &str, said: &str| name == said || name.ends_with(&format!(" {said}"));
            let of: BTreeSet<_> = (1..=words.len())
                .flat_map(|number| {
                    let said = words[..number].join(" ");
                    verbs.iter().filter(move |(name, _)| is_of(name, &said)).flat_map(|(_, verb)| flags(verb))
                })
                .collect();
            let known = match words.first() {
                Some(first) if first.starts_with("--") => &all,
                _ if !of.is_empty() => &of,
                _ => continue,
            };
            for word in words.iter().filter(|word| word.starts_with("--") && word.len() > 2) {
                let flag = word.split(['=', '[']).next().unwrap();
                if !known.contains(flag) && !OTHERS.contains(&flag) {
                    wrong.push(format!("{page}: `{code}`: {flag}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_verb_and_flag_is_spoken_of_beside_the_reference() {
    let mut command = Cli::command();
    command.build();
    let mut texts = String::new();
    for (page, text) in pages() {
        if !["docs/cli.md", "docs/json.md", "docs/decisions.md", "CHANGELOG.md"].contains(&page.as_str()) {
            texts += &text;
        }
    }
    let has = |word: &str| {
        texts.match_indices(word).any(|(at, _)| {
            let edge =
                |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric() && letter != '-');
            edge(texts[..at].chars().next_back()) && edge(texts[at + word.len()..].chars().next())
        })
    };
    let mut missing = Vec::new();
    for (name, verb) in verbs(&command) {
        if !name.is_empty() && !has(&name) {
            missing.push(name.clone());
        }
        for argument in
            verb.get_arguments().filter(|argument| !["help", "version"].contains(&argument.get_id().as_str()))
        {
            let short = argument.get_short().map(|short| format!("-{short}"));
            let long = argument.get_long().map(|long| format!("--{long}"));
            let mut names = short.iter().chain(&long).peekable();
            if names.peek().is_some() && !names.any(|name| has(name)) {
                missing.push(format!("{name} {}", long.or(short).unwrap()));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// The value of a TOML text.
fn value(item: &toml_edit::Item) -> Value {
    if let Some(table) = item.as_table_like() {
        return table
            .iter()
            .map(|(key, item)| (key.to_owned(), value(item)))
            .collect::<serde_json::Map<_, _>>()
            .into();
    }
    match item.as_value() {
        Some(toml_edit::Value::Boolean(flag)) => json!(flag.value()),
        Some(toml_edit::Value::Integer(number)) => json!(number.value()),
        Some(toml_edit::Value::String(text)) => json!(text.value()),
        Some(toml_edit::Value::Array(array)) => {
            array.iter().map(|inner| value(&toml_edit::Item::Value(inner.clone()))).collect::<Vec<_>>().into()
        }
        _ => panic!("what is this: {item}"),
    }
}

fn read(value: &Value) -> Result<Metadata, cargo_migrate::Problem> {
    Metadata::read("package.metadata.migrate", PathBuf::from("/project"), value)
}

#[test]
fn every_setting_in_a_block_is_one_that_is_read() {
    let mut settings = 0;
    for (page, text) in pages() {
        for (_, block) in parted(&text).0.into_iter().filter(|(language, _)| *language == "toml") {
            let document: toml_edit::DocumentMut = block.parse().unwrap();
            let Some(migrate) = ["package", "workspace"]
                .iter()
                .find_map(|owner| document.get(owner)?.get("metadata")?.get("migrate"))
            else {
                continue;
            };
            settings += 1;
            read(&value(migrate)).unwrap_or_else(|error| panic!("{page}: {error}\n{block}"));
        }
    }
    assert!(settings > 3, "{settings}");
}

/// The rows of configuration.md's tables of keys are the keys that are read, each with a value of the kind that is said.
#[test]
fn every_key_has_its_row() {
    let text = pages().into_iter().find(|(page, _)| page == "docs/configuration.md").unwrap().1;
    let rows = |text: &str| -> BTreeSet<String> {
        let rows = text.split('\n').filter_map(|row| row.strip_prefix("| `")?.split('`').next());
        rows.map(str::to_owned).collect()
    };
    let keys = rows(text.split("## Keys").nth(1).unwrap().split("\nIn a table").next().unwrap());
    for key in &keys {
        // A number is a value of none of them: the key is known where it is the value that is refused.
        let error = read(&json!({ key: 7 })).unwrap_err();
        assert!(matches!(error, cargo_migrate::Problem::BadValue { .. }), "{key}: {error}");
    }
    assert_eq!(keys, Metadata::KEYS.into_iter().map(str::to_owned).collect());
}

/// What a link to a heading says, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let letters = heading.trim_matches(['#', ' ']).to_lowercase();
    let kept = letters.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut links = 0;
    for (page, text) in pages() {
        let prose = parted(&text).1;
        for link in prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            links += 1;
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let folder = root.join(&page).parent().unwrap().to_owned();
            let target = if file.is_empty() { root.join(&page) } else { folder.join(file) };
            assert!(target.exists(), "{page}: {link}");
            if !heading.is_empty() {
                let there = parted(&std::fs::read_to_string(&target).unwrap()).1;
                let mut headings = there.split('\n').filter(|line| line.starts_with('#'));
                assert!(headings.any(|line| anchor(line) == heading), "{page}: {link}");
            }
        }
    }
    assert!(links > 50, "{links}");
}

#[test]
fn a_line_is_read_as_a_shell_reads_it() {
    let read = |line: &str| call(line).map(|words| words.join("|"));
    assert_eq!(read("cargo migrate up --to 3   # why"), Some("up|--to|3".to_owned()));
    assert_eq!(
        read("$ A='x y' cargo migrate down --force \"it is late\" | cat"),
        Some("down|--force|it is late".to_owned())
    );
    assert_eq!(
        read("cargo migrate backup create --tables orders,'a*' > x"),
        Some("backup|create|--tables|orders,a*".to_owned())
    );
    assert_eq!(read("cargo build"), None);
}
