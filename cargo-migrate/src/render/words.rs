//! Small words: times, counts, other sessions.

use std::time::Duration;

use migrate_core::sql::mask_text;
use migrate_runtime::event::Session;
use unicode_width::UnicodeWidthStr;

use super::escape::escape_line;

/// `7 ms`, `1.3 s`, `45 s`, `2 min 5 s`, `3 h 20 min`.
pub(crate) fn time(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if duration.as_millis() == 0 && !duration.is_zero() => "<1 ms".to_owned(),
        0 => format!("{} ms", duration.as_millis()),
        1..=9 if duration.subsec_millis() > 0 => format!("{:.1} s", duration.as_secs_f64()),
        1..=119 => format!("{seconds} s"),
        120..=7199 => with_rest(seconds / 60, "min", seconds % 60, "s"),
        _ => with_rest(seconds / 3600, "h", seconds % 3600 / 60, "min"),
    }
}

fn with_rest(whole: u64, unit: &str, rest: u64, rest_unit: &str) -> String {
    if rest == 0 { format!("{whole} {unit}") } else { format!("{whole} {unit} {rest} {rest_unit}") }
}

/// `1 migration`, `2 migrations`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `15.18`, of `server_version_num`: since 10 there are two numbers.
pub(crate) fn server_version(number: u32) -> String {
    format!("{}.{}", number / 10_000, number % 10_000)
}

/// Another session, in one line: `pid 4711 (psql, alice@10.0.0.3), idle in transaction for 2 min: LOCK TABLE orders`.
pub(crate) fn session(session: &Session) -> String {
    let mut text = format!("pid {}", session.pid);
    let from = match (&session.user, &session.client) {
        (Some(user), Some(client)) => Some(format!("{user}@{client}")),
        (one, other) => one.as_ref().or(other.as_ref()).cloned(),
    };
    let who: Vec<_> =
        session.application.iter().filter(|name| !name.is_empty()).cloned().chain(from).collect();
    if !who.is_empty() {
        text += &format!(" ({})", who.join(", "));
    }
    match (&session.state, session.transaction_age) {
        (Some(state), Some(age)) => text += &format!(", {state} for {}", time(age)),
        (Some(state), None) => text += &format!(", {state}"),
        (None, Some(age)) => text += &format!(", in a transaction for {}", time(age)),
        (None, None) => {}
    }
    if let Some(query) = session.query.as_ref().filter(|query| !query.trim().is_empty()) {
        text += &format!(": {}", one_line(&mask_text(query), 120));
    }
    escape_line(&text).into_owned()
}

/// White space squeezed to single spaces, cut after so many characters.
pub(crate) fn one_line(text: &str, limit: usize) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        // A statement can have megabytes; nobody reads beyond the first line.
        if line.len() > limit * 4 {
            break;
        }
    }
    if line.chars().count() > limit {
        line = line.chars().take(limit.saturating_sub(1)).collect();
        line.push('…');
    }
    line
}

/// `512 bytes`, `12 kB`, `830 MB`, `12 GB`: at least two figures that matter, as `pg_size_pretty` has them.
pub(crate) fn bytes(number: u64) -> String {
    match number {
        0..10_240 => format!("{number} bytes"),
        10_240..10_485_760 => format!("{} kB", number >> 10),
        10_485_760..10_737_418_240 => format!("{} MB", number >> 20),
        10_737_418_240..10_995_116_277_760 => format!("{} GB", number >> 30),
        _ => format!("{} TB", number >> 40),
    }
}

/// The words of a text. What stands in backticks is one: a command on two lines cannot be copied.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::<String>::new();
    for part in text.split(' ') {
        match words.last_mut().filter(|last| last.matches('`').count() % 2 == 1) {
            Some(open) => *open += &format!(" {part}"),
            None => words.push(part.to_owned()),
        }
    }
    // One that nobody closes is no command.
    match words.last() {
        Some(last) if last.matches('`').count() % 2 == 1 => text.split(' ').map(str::to_owned).collect(),
        _ => words,
    }
}

/// The lines of a text on a page of this width, broken between words. The first stands behind `first` columns of
/// something else, the others behind `rest`. One line where there is no width, or one that leaves no room.
pub(crate) fn wrapped(text: &str, width: Option<usize>, first: usize, rest: usize) -> Vec<String> {
    let Some(width) = width.filter(|width| *width >= rest + 20) else { return vec![text.to_owned()] };
    let (mut lines, mut line, mut left) = (Vec::new(), String::new(), width.saturating_sub(first));
    for word in words(text) {
        let room = left.saturating_sub(line.width() + usize::from(!line.is_empty()));
        if word.width() > room && !(line.is_empty() && lines.is_empty() && word.width() <= left) {
            lines.push(std::mem::take(&mut line));
            left = width - rest;
        } else if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_two_figures_that_matter() {
        let table = [
            (Duration::ZERO, "0 ms"),
            (Duration::from_micros(80), "<1 ms"),
            (Duration::from_millis(7), "7 ms"),
            (Duration::from_millis(1_340), "1.3 s"),
            (Duration::from_secs(2), "2 s"),
            (Duration::from_secs(45), "45 s"),
            (Duration::from_secs(119), "119 s"),
            (Duration::from_secs(120), "2 min"),
            (Duration::from_secs(125), "2 min 5 s"),
            (Duration::from_secs(12_000), "3 h 20 min"),
        ];
        for (duration, text) in table {
            assert_eq!(time(duration), text);
        }
    }

    #[test]
    fn a_session_is_told_as_far_as_it_is_known() {
        let mut other = Session { pid: 7, ..Session::default() };
        assert_eq!(session(&other), "pid 7");
        other.application = Some("psql\u{1b}".into());
        other.user = Some("alice".into());
        other.client = Some("10.0.0.3".into());
        other.state = Some("idle in transaction".into());
        other.transaction_age = Some(Duration::from_secs(125));
        other.query = Some("ALTER ROLE a\n PASSWORD 'canary'".into());
        let text = session(&other);
        assert!(text.starts_with(
            "pid 7 (psql\\u{1b}, alice@10.0.0.3), idle in transaction for 2 min 5 s: ALTER ROLE a"
        ));
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn lines_are_cut_by_characters() {
        assert_eq!(one_line(" a\n\t b ", 10), "a b");
        assert_eq!(one_line("äöüäöü", 4), "äöü…");
        assert_eq!(one_line("abcd", 4), "abcd");
    }

    #[test]
    fn sizes_are_rounded_down() {
        for (number, text) in [
            (0, "0 bytes"),
            (8192, "8192 bytes"),
            (10_240, "10 kB"),
            (870_318_080, "830 MB"),
            (20 << 30, "20 GB"),
            (15 << 40, "15 TB"),
        ] {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn words_are_kept_whole() {
        assert_eq!(wrapped("a bb ccc", None, 5, 2), ["a bb ccc"]);
        assert_eq!(wrapped("a bb ccc", Some(10), 5, 2), ["a bb ccc"]);
        let text = "one two three four five six";
        assert_eq!(wrapped(text, Some(22), 10, 2), ["one two", "three four five six"]);
        // Nothing of it fits behind a long head: it begins on the next line.
        assert_eq!(wrapped("abcdefgh ij", Some(22), 20, 2), ["", "abcdefgh ij"]);
        let text = "run `cargo migrate --env production preflight` and look";
        assert_eq!(
            wrapped(text, Some(22), 0, 2),
            ["run", "`cargo migrate --env production preflight`", "and look"]
        );
        assert_eq!(wrapped("one ` two three four five", Some(22), 0, 2), ["one ` two three four", "five"]);
    }
}
