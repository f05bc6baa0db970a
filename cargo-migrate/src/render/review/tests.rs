//! One rich example in every output.

use std::time::Duration;

use migrate_core::Direction;
use migrate_runtime::rehearsal::LockMode;

use super::*;
use crate::risk::{Danger, Reason, Risk, RiskLevel};

fn way(stem: &str, direction: Direction) -> Way {
    let ending = if direction == Direction::Up { "up" } else { "down" };
    Way {
        direction,
        file: format!("{stem}.{ending}.sql"),
        duration: Some(Duration::from_millis(12)),
        slow: false,
        risk: Risk::default(),
        locks: Vec::new(),
        rewritten: Vec::new(),
        scanned: Vec::new(),
        built: Vec::new(),
    }
}

/// Three migrations: one that is sound, one with all that can be wrong, one with no way back; and names that mean harm.
pub(crate) fn example() -> Review {
    let sound = Reviewed {
        stem: "0010_create_orders".to_owned(),
        irreversible: None,
        ways: vec![way("0010_create_orders", Direction::Up), way("0010_create_orders", Direction::Down)],
    };
    let mut up = way("0011_orders_total", Direction::Up);
    up.duration = Some(Duration::from_secs(421));
    up.slow = true;
    up.locks = vec![
        ("public.orders".to_owned(), LockMode::AccessExclusive),
        ("public.\"a|b`c\n@octocat\"".to_owned(), LockMode::ShareRowExclusive),
    ];
    up.rewritten = vec!["public.orders".to_owned(), "public.orders_pkey".to_owned()];
    up.built = vec!["public.orders_total".to_owned()];
    up.risk = Risk::of(vec![
        Reason {
            level: RiskLevel::Critical,
            danger: Danger::Waits,
            line: 3,
            start: 0,
            table: Some("public.orders".to_owned()),
            mode: Some(LockMode::AccessExclusive),
            bytes: Some(12 << 30),
            why: "`ALTER COLUMN total TYPE`: `public.orders` (12 GB) is written anew".to_owned(),
            safer: Some("ALTER TABLE orders ADD COLUMN total_new numeric(14, 2);\n-- ```\n".to_owned()),
        },
        Reason {
            level: RiskLevel::Low,
            danger: Danger::Waits,
            line: 1,
            start: 0,
            table: None,
            mode: None,
            bytes: None,
            why: "not worth a word".to_owned(),
            safer: None,
        },
    ]);
    let mut down = way("0011_orders_total", Direction::Down);
    down.duration = None;
    let broken = Reviewed { stem: "0011_orders_total".to_owned(), irreversible: None, ways: vec![up, down] };
    let one_way = Reviewed {
        stem: "0012_forget".to_owned(),
        irreversible: Some("what is forgotten | is *gone*".to_owned()),
        ways: vec![way("0012_forget", Direction::Up)],
    };
    let note = |rule: &str, level, file: &str, line, message: &str| {
        let mut note = Note::new(rule, level, message);
        note.stem = Some("0011_orders_total".to_owned());
        note.file = Some(file.to_owned());
        note.place = Some(Place { line, column: 1, end_line: line, end_column: 20 });
        note
    };
    let mut fails = note(
        "down-fails",
        NoteLevel::Error,
        "0011_orders_total.down.sql",
        2,
        "column \"totl\" does not exist <img src=x onerror=alert(1)> @octocat #1 \u{202e}\u{1b}[2J",
    );
    fails.help = Some("Perhaps you meant `orders.total`; ALTER ROLE app PASSWORD 'canary'.".to_owned());
    fails.servers = vec!["15.18".to_owned()];
    let mut differs =
        Note::new("differs-after-down", NoteLevel::Error, "the schema is not what it was before the up");
    differs.stem = Some("0011_orders_total".to_owned());
    differs.diff =
        Some("  table public.orders\n-     column total integer\n+     column total numeric\n".to_owned());
    let mut warning = note(
        "require-concurrent-index-creation",
        NoteLevel::Warning,
        "0011_orders_total.up.sql",
        5,
        "nobody can write to `orders` while the index is built, 100% of the time",
    );
    warning.safer = Some("CREATE INDEX CONCURRENTLY orders_total ON orders (total);\n".to_owned());
    let remark = Note::new("order-only", NoteLevel::Remark, "columns stand in another order");
    Review {
        verb: "verify",
        folder: "apps/my shop/migrations".to_owned(),
        servers: vec!["15.18".to_owned(), "18.1".to_owned()],
        duration: Some(Duration::from_millis(2_300)),
        checks: vec![
            Check { holds: "every down undoes exactly its up".to_owned(), passed: false },
            Check { holds: "folder, migrations.lock and `embed!` agree".to_owned(), passed: true },
        ],
        migrations: vec![sound, broken, one_way],
        notes: vec![fails, differs, warning, remark],
    }
}

/// What nobody may find in an output.
fn is_harmless(text: &str) -> bool {
    !text.contains(['\u{1b}', '\u{202e}']) && !text.contains("canary")
}

#[test]
fn markdown() {
    let text = example().markdown();
    assert!(is_harmless(&text) && !text.contains("<img") && !text.contains(" @octocat"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn sarif() {
    let text = example().sarif();
    assert!(is_harmless(&text));
    insta::assert_snapshot!(text);
}

#[test]
fn github() {
    let text = example().github();
    assert!(is_harmless(&text));
    assert_eq!(text.matches('\n').count(), example().notes.len());
    insta::assert_snapshot!(text);
}

/// The types are made from the schema of SARIF 2.1.0: a field that it does not know would not come back.
#[test]
fn sarif_is_what_the_schema_says() {
    for review in [example(), Review { verb: "lint", ..Review::default() }] {
        let text = review.sarif();
        let read: serde_sarif::sarif::Sarif = serde_json::from_str(&text).unwrap();
        let written = serde_json::to_value(&read).unwrap();
        let ours: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(written, ours);
    }
}

#[test]
fn a_sound_set_is_told_in_a_few_lines() {
    let review = Review { verb: "verify", servers: vec!["18.1".to_owned()], ..Review::default() };
    assert!(!review.fails());
    insta::assert_snapshot!(review.markdown());
    assert_eq!(review.github(), "");
}

/// Whatever is in it and however much, it fits, and what is opened is closed.
#[test]
fn a_comment_fits_and_no_part_of_it_stays_open() {
    let mut review = example();
    review.notes[1].diff = Some("+ `````\n".repeat(100_000));
    for number in 0..400 {
        let mut note = review.notes[1].clone();
        note.message = format!("note {number} ```");
        review.notes.push(note);
        let mut migration = review.migrations[1].clone();
        migration.stem = format!("{number:04}_again");
        review.migrations.push(migration);
    }
    let text = review.markdown();
    assert!(text.len() < 65_536, "{}", text.len());
    assert!(text.contains("did not fit into one comment"), "no word about what is left out");
    let mut open: Option<&str> = None;
    for line in text.split('\n') {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match open {
            None if ticks.len() >= 3 && !line[ticks.len()..].contains('`') => open = Some(ticks),
            Some(fence) if line == fence => open = None,
            _ => {}
        }
    }
    assert_eq!(open, None);
    assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
}
