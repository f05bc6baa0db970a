//! How risky migrations are, for people and for programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::checked::Risks;
use crate::render::table::Cell;
use crate::render::words::count;
use crate::render::{Page, Paint, escape, escape_line, json as structured};
use crate::risk::{Reason, RiskLevel};

/// Of one migration no more reasons are told unasked: who reads three acts, who reads ten scrolls on.
const SHOWN: usize = 3;

/// The level in a table.
pub(super) fn cell(level: RiskLevel) -> Cell {
    Cell::painted(level.name(), paint(level))
}

fn paint(level: RiskLevel) -> fn(Paint, &str) -> String {
    match level {
        RiskLevel::Low => Paint::faint,
        RiskLevel::Medium => Paint::note,
        RiskLevel::High => Paint::warn,
        RiskLevel::Critical => Paint::bad,
    }
}

/// What makes migrations risky, with what to write instead: of each up the most serious, and a line that counts the rest;
/// all of both directions where it is `verbose`.
pub(super) fn human(risks: &BTreeMap<String, Risks>, verbose: bool, page: Page) -> String {
    let mut text = String::new();
    let mut left = 0;
    for (stem, risks) in risks {
        for (half, risk) in [("up", &risks.up), ("down", &risks.down)] {
            let worth_a_word = risk.reasons.iter().filter(|reason| reason.level > RiskLevel::Low);
            for (index, reason) in worth_a_word.enumerate() {
                let is_serious = half == "up" && reason.level >= RiskLevel::High && index < SHOWN;
                match verbose || is_serious {
                    true => text += &of_reason(reason, &format!("{stem}.{half}.sql"), page),
                    false => left += 1,
                }
            }
        }
    }
    if left > 0 {
        let more = if text.is_empty() { "" } else { "more " };
        let remarks = count(left, &format!("{more}remark"));
        text += &format!("{remarks} on risk: -v shows {}\n", if left == 1 { "it" } else { "them" });
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn of_reason(reason: &Reason, file: &str, page: Page) -> String {
    let level = paint(reason.level)(page.paint, &format!("{} risk", reason.level.name()));
    let place = format!("{}:{}", escape_line(file), reason.line);
    format!("{level}: {place}: {}\n", escape_line(&reason.why)) + &instead(reason.safer.as_deref(), page)
}

/// A script that does the same more safely, set in.
pub(super) fn instead(safer: Option<&str>, page: Page) -> String {
    let Some(script) = safer else { return String::new() };
    let mut text = format!("  {}\n", page.paint.note("instead:"));
    for line in script.trim_end().split('\n') {
        text += format!("    {}", escape(line)).trim_end();
        text.push('\n');
    }
    text
}

/// Of all of them.
pub(super) fn json(risks: &BTreeMap<String, Risks>) -> Value {
    let one = |(stem, risks): (&String, &Risks)| json!({ "migration": stem, "up": structured::risk(&risks.up), "down": structured::risk(&risks.down) });
    risks.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::{Danger, Risk};

    fn risk(levels: &[RiskLevel]) -> Risk {
        let reason = |(index, level): (usize, &RiskLevel)| Reason {
            level: *level,
            danger: Danger::Waits,
            line: index + 1,
            start: index,
            table: None,
            mode: None,
            bytes: None,
            why: "`X`: somebody waits\u{1b}[2J".to_owned(),
            safer: (index == 0).then(|| "SELECT 1;\n\nSELECT 2;\n".to_owned()),
        };
        Risk::of(levels.iter().enumerate().map(reason).collect())
    }

    #[test]
    fn the_most_serious_is_told_and_the_rest_counted() {
        use RiskLevel::{Critical, High, Low, Medium};
        let page = Page { width: None, paint: Paint { on: false } };
        let one = |up: &[RiskLevel], down: &[RiskLevel]| {
            BTreeMap::from([("0001_a".to_owned(), Risks { up: risk(up), down: risk(down) })])
        };
        let many = one(&[High, Critical, High, High, Medium, Low], &[Critical, Low]);
        insta::assert_snapshot!(human(&many, false, page));
        assert_eq!(human(&many, true, page).matches(" risk: ").count(), 6);
        assert_eq!(human(&one(&[Low], &[Medium]), false, page), "1 remark on risk: -v shows it\n\n");
        assert_eq!(human(&one(&[Low], &[Low]), false, page), "");
    }
}
