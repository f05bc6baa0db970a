//! What the tests of the rules have in common: a folder with a table `orders` that is in use, and one migration more.

use migrate_core::{Direction, Migration, Script, Set, Version};

use super::{Finding, Options, check};

const BEFORE: &str = "CREATE TABLE orders (id bigint PRIMARY KEY, note varchar(10), amount integer, \
                      CONSTRAINT c CHECK (true));";

pub(crate) fn migration(number: u64, name: &str, up: &str, down: &str) -> Migration {
    let stem = format!("{number:04}_{name}");
    let script = |half: &str, text: &str| {
        let file = format!("{stem}.{half}.sql");
        Script::parse(&file, text.to_owned()).unwrap_or_else(|error| panic!("{text}: {error}"))
    };
    Migration {
        version: Version::new(number),
        up: script("up", up),
        down: (!down.is_empty()).then(|| script("down", down)),
        check: None,
        stem: stem.clone().into(),
    }
}

/// A folder: a table in use, then this migration.
pub(crate) fn folder(up: &str, down: &str) -> Set {
    Set::new("migrations", vec![migration(1, "before", BEFORE, ""), migration(2, "this", up, down)])
}

fn all(up: &str, down: &str, direction: Direction, rule: &str) -> Vec<(String, Finding)> {
    let set = folder(up, down);
    let file = format!("0002_this.{}.sql", if direction == Direction::Up { "up" } else { "down" });
    let text = if direction == Direction::Up { up } else { down };
    let findings = check(&set, &Options::default()).into_iter();
    findings
        .filter(|finding| finding.file == file && (rule.is_empty() || finding.rule == rule))
        .map(|finding| (text[finding.span.clone()].to_owned(), finding))
        .collect()
}

/// What a rule points at in an up script.
pub(crate) fn found(up: &str, rule: &str) -> Vec<String> {
    all(up, "", Direction::Up, rule).into_iter().map(|(text, _)| text).collect()
}

/// What a rule points at in a down script.
pub(crate) fn found_in_down(up: &str, down: &str, rule: &str) -> Vec<String> {
    all(up, down, Direction::Down, rule).into_iter().map(|(text, _)| text).collect()
}

fn said((_, finding): (String, Finding)) -> String {
    format!("{}: {} ({})", finding.rule, finding.message, finding.help.unwrap_or_default())
}

/// What a rule says of an up script; all of them where none is named.
pub(crate) fn messages(up: &str, rule: &str) -> Vec<String> {
    all(up, "", Direction::Up, rule).into_iter().map(said).collect()
}

/// What a rule says of a down script.
pub(crate) fn messages_in_down(up: &str, down: &str, rule: &str) -> Vec<String> {
    all(up, down, Direction::Down, rule).into_iter().map(said).collect()
}

/// The migrations of a folder with these names that a rule is about.
pub(crate) fn told_about_names(stems: &[&str], rule: &str) -> Vec<String> {
    let migrations = stems.iter().map(|stem| {
        let up = Script::parse(&format!("{stem}.up.sql"), "SELECT 1;".to_owned()).unwrap();
        let digits: String = stem.chars().take_while(char::is_ascii_digit).collect();
        Migration {
            version: migrate_core::name::parse_version(&digits).unwrap(),
            up,
            down: None,
            check: None,
            stem: (*stem).to_owned().into(),
        }
    });
    let set = Set::new("migrations", migrations.collect());
    let findings = check(&set, &Options::default()).into_iter();
    findings.filter(|finding| finding.rule == rule).map(|finding| finding.stem).collect()
}
