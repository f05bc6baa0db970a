//! One place that makes two runs' outputs equal.

use std::path::Path;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Replaces what differs between two runs. A placeholder in a column takes the place, and the width, of what was there,
/// so a table stays a table.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    literals: Vec<(String, String)>,
}

impl Redactor {
    /// One that knows times, durations, process numbers and checksums.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces a text that only the test knows. Longer ones are looked for first.
    #[must_use]
    pub fn literal(mut self, text: impl Into<String>, placeholder: impl Into<String>) -> Self {
        let text = text.into();
        assert!(!text.is_empty(), "an empty text is everywhere");
        self.literals.push((text, placeholder.into()));
        self.literals.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        self
    }

    /// Replaces a path, as it is written and with its links resolved.
    #[must_use]
    pub fn path(mut self, path: &Path, placeholder: &str) -> Self {
        if let Ok(real) = path.canonicalize()
            && real != path
        {
            self = self.literal(real.display().to_string(), placeholder);
        }
        self.literal(path.display().to_string(), placeholder)
    }

    /// The text with everything replaced.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (literal, placeholder) in &self.literals {
            text = text.replace(literal, placeholder);
        }
        for (pattern, placeholder, fill) in &*PATTERNS {
            text = pattern
                .replace_all(&text, |found: &Captures<'_>| replace(found, placeholder, *fill))
                .into_owned();
        }
        text
    }
}

/// What is looked for in every output. Where `fill` is set the width never varies, and dots keep it; otherwise the
/// blanks of a column (two or more) before it give way.
static PATTERNS: LazyLock<Vec<(Regex, &str, bool)>> = LazyLock::new(|| {
    let pattern = |text: &str| Regex::new(text).expect("the pattern is right");
    vec![
        (pattern(r"()(\b[0-9a-f]{64}\b)"), "sha256", true),
        (
            pattern(r"()(\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?:\.\d+)?(?: ?(?:UTC|Z)|[+-]\d\d(?::?\d\d)?)?"),
            "time",
            true,
        ),
        (
            pattern(
                r"( {2,}| ?)(\b\d+(?:\.\d+)? ?(?:ns|µs|us|ms|s|min|m|h)\b(?: \d+(?:\.\d+)? ?(?:ms|s|min)\b)*)",
            ),
            "[duration]",
            false,
        ),
        (pattern(r"((?:pid|process|PID)[ =:])(\d+\b)"), "[pid]", false),
        (pattern(r"()(\bscratch_\d+\b)"), "[database]", false),
    ]
});

fn replace(found: &Captures<'_>, placeholder: &str, fill: bool) -> String {
    let (before, what) = (&found[1], &found[2]);
    if fill {
        let width = what.chars().count();
        let dots = ".".repeat(width.saturating_sub(placeholder.len() + 2));
        return format!("[{placeholder}{dots}]");
    }
    if before.len() < 2 || !before.trim().is_empty() {
        return format!("{before}{placeholder}");
    }
    let width = before.len() + what.chars().count();
    let width = width.max(placeholder.len() + 1);
    format!("{placeholder:>width$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_replaced_and_columns_keep_their_place() {
        let hash = "ab".repeat(32);
        let text = format!(
            "applied 0001_a in 12 ms (pid 4711)\n\
             0001_a      9 ms  x\n\
             0002_b    110 ms  x\n\
             at 2024-05-06 07:08:09.123456+00\n\
             {hash}\n\
             /tmp/xyz/migrations/0001_a.up.sql in scratch_17\n"
        );
        let redacted = Redactor::new().path(Path::new("/tmp/xyz"), "[project]").redact(&text);
        let dots = ".".repeat(64 - 8);
        let expected = format!(
            "applied 0001_a in [duration] (pid [pid])\n\
             0001_a [duration]  x\n\
             0002_b [duration]  x\n\
             at [time.............]\n\
             [sha256{dots}]\n\
             [project]/migrations/0001_a.up.sql in [database]\n"
        );
        assert_eq!(redacted, expected);
    }

    #[test]
    fn names_and_numbers_of_the_user_stay() {
        let text = "version 0010, 5 migrations, order_12s, 3 steps, line 4 column 2";
        assert_eq!(Redactor::new().redact(text), text);
    }
}
