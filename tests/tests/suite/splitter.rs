//! T34: the splitter against PostgreSQL itself, on generated and on mutated SQL.
//!
//! `FUZZ_SEED` repeats a run (each prints its seed), `FUZZ_SECONDS` says how long it looks (60 in CI, 5 elsewhere),
//! `FUZZ_CORPUS` names a folder of more `.sql` files to start from.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod corpus;
mod generate;
#[cfg(feature = "pg-query")]
mod parser;
mod psql;
mod random;
mod server;
mod transaction_block;

use std::time::{Duration, Instant};

use migrate_core::sql::{self, Reason};
use migrate_core::{Statement, StatementKind};

use random::Random;

/// Whether the oracle could read the text, so that there was something to compare.
type Compared = bool;

/// What a run is made of: the seed it can be repeated with, and the time it has.
fn run(mut check: impl FnMut(&str) -> Result<Compared, String>) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let clock =
        || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = number("FUZZ_SEED").unwrap_or_else(clock);
    let default = if std::env::var_os("CI").is_some() { 60 } else { 5 };
    let time = Duration::from_secs(number("FUZZ_SECONDS").unwrap_or(default));
    let corpus = corpus::load();
    let mut random = Random::new(seed);
    let (mut count, mut compared) = (0u64, 0u64);
    let start = Instant::now();
    for text in &corpus {
        check(text).unwrap_or_else(|message| panic!("{message}\nin the corpus:\n{text}"));
    }
    while start.elapsed() < time {
        let text = generate::text(&mut random, &corpus);
        count += 1;
        match invariants(&text).and_then(|()| check(&text)) {
            Ok(read) => compared += u64::from(read),
            Err(message) => {
                let short = shrink(&text, &mut check);
                panic!("{message}\nFUZZ_SEED={seed}, input {count}:\n{short}\n{text:?}");
            }
        }
    }
    eprintln!("FUZZ_SEED={seed}: {count} inputs, {compared} of them compared, in {:?}", start.elapsed());
    assert!(compared > count / 10, "the oracle can read only {compared} of {count} inputs");
}

/// A shorter text that fails too: what a person wants to see.
fn shrink(text: &str, check: &mut impl FnMut(&str) -> Result<Compared, String>) -> String {
    let mut best = text.to_owned();
    let mut size = best.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < best.len() {
            let end = (at + size).min(best.len());
            if best.is_char_boundary(at) && best.is_char_boundary(end) {
                let shorter = format!("{}{}", &best[..at], &best[end..]);
                if invariants(&shorter).and_then(|()| check(&shorter)).is_err() {
                    best = shorter;
                    continue;
                }
            }
            at += size;
        }
        size /= 2;
    }
    format!("{best:?}")
}

/// What holds for any text, valid or not.
fn invariants(text: &str) -> Result<(), String> {
    let _ = sql::mask_secrets(text);
    if !sql::same_tokens(text, text) {
        return Err("a text is not like itself".into());
    }
    let Ok(statements) = sql::statements(text) else { return Ok(()) };
    let mut behind = 0;
    for Statement { start, end, kind } in &statements {
        if !(behind <= *start && start < end && *end <= text.len()) {
            return Err(format!("{start}..{end} does not follow {behind}"));
        }
        behind = *end;
        if let StatementKind::CopyFromStdin { data_start, data_end } = kind {
            if !(*end <= *data_start && data_start <= data_end) {
                return Err(format!("data {data_start}..{data_end} of {start}..{end}"));
            }
            behind = *data_end;
        }
        let piece = &text[*start..*end];
        let _ = (sql::concurrent_target(piece), sql::waits_by_design(piece));
        match sql::statements(piece).as_deref() {
            Ok([again]) if (again.start, again.end) == (0, piece.len()) => {}
            other => return Err(format!("{piece:?} alone is {other:?}")),
        }
    }
    let spaced = format!("/* a */ {text}\n-- b");
    // Behind the data of a COPY without its end, anything is data.
    let ends_in_data = matches!(
        statements.last().map(|last| last.kind),
        Some(StatementKind::CopyFromStdin { data_end, .. }) if data_end == text.len()
    );
    // A directive of pg_dump must start its line.
    if !ends_in_data && !text.starts_with('\\') && !sql::same_tokens(text, &spaced) {
        return Err("comments count".into());
    }
    Ok(())
}

/// Whether a refusal is of the kind that the server never makes: it does not know of psql, files and lines.
fn is_ours_alone(reason: &Reason) -> bool {
    matches!(reason, Reason::CopyLine)
}

#[test]
fn agrees_with_the_server() {
    let mut server = server::Oracle::start();
    run(|text| server.check(text));
}

#[cfg(feature = "pg-query")]
#[test]
fn agrees_with_the_parser_and_the_scanner() {
    run(parser::check);
}

#[cfg(not(feature = "pg-query"))]
#[test]
fn agrees_with_the_parser_and_the_scanner() {
    migrate_tests::skip!("built without the feature pg-query, which needs libclang");
}
