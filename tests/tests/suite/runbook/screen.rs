//! Whether what the program printed is the screen that the runbook shows.

use std::sync::LazyLock;

use migrate_tests::Redactor;
use regex::Regex;

/// What differs from run to run beside what the [`Redactor`] knows: names of backups, reports and runs (the second one of
/// a second ends in `-2`), sizes, shares, oids.
static VARIES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"\d{8}[Tt]\d{6}(\.\d+)?[Zz]?(-[0-9a-f]{4}|-\d+)?", "[stamp]"),
        (r"\b[0-9a-f]{12,40}\b", "[digits]"),
        (r"\b\d{17,20}\b", "[system]"),
        (r"\boid \d+", "oid [oid]"),
        (r"\b\d+(\.\d+)? (bytes|kB|MB|GB|TB|KiB|MiB|GiB)", "[size]"),
        (r"\b\d+(\.\d+)? ?%", "[share]"),
        (r"\bPostgreSQL \d+(\.\d+)?( \([^)]*\))?", "PostgreSQL [version]"),
        (r"\[duration\]( \[duration\])+", "[duration]"),
        (r"(?m)[ \t]+$", ""),
        (r" {2,}", "  "),
    ]
    .map(|(pattern, placeholder)| (Regex::new(pattern).unwrap(), placeholder))
    .into()
});

fn plain(text: &str) -> String {
    let mut text = Redactor::new().redact(text);
    for (pattern, placeholder) in &*VARIES {
        text = pattern.replace_all(&text, *placeholder).into_owned();
    }
    text
}

/// Whether it is the same screen. In the page a line `…` stands for any lines, and a `…` in a line for any text in it.
pub(super) fn same(page: &str, printed: &str) -> bool {
    let mut pattern = String::from("^");
    for line in plain(page).split_inclusive('\n') {
        if line.trim() == "…" {
            pattern += "(?:[^\n]*\n)*?";
        } else {
            pattern += &regex::escape(line).replace('…', "[^\n]*?");
        }
    }
    Regex::new(&(pattern + "$")).unwrap().is_match(&plain(printed))
}

#[test]
fn a_screen_is_the_same_but_for_what_varies() {
    let page = "$ x\nbackup-20261121T193059Z took 2.1 s\n…\nhint: run `y` … again\n";
    let printed = "$ x\nbackup-20270101T000000Z took 117 ms\none\ntwo\nhint: run `y` and then again\n";
    assert!(same(page, printed));
    assert!(same(page, &printed.replace("000000Z", "000000Z-2")));
    assert!(!same(page, &printed.replace("hint", "note")));
    assert!(!same(page, &format!("{printed}more\n")));
    assert!(!same(page, &printed.replace("backup-", "copy-")));
}
