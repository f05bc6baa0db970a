//! What checks found, the same for preflight, postflight and deploy: what is well in one line, then what is to be known,
//! then what may do harm, and what stops the run last, where a person at a terminal looks first.

use std::path::Path;

use serde_json::{Value, json};

use crate::inspection::{Examined, Finding, Severity};
use crate::render::words::{count, wrapped};
use crate::render::{Page, escape_line};

/// All of it; with what each check is for where it is `verbose`.
pub(crate) fn human(examined: &[Examined], verbose: bool, page: Page) -> String {
    let mut text = String::new();
    let well: Vec<_> = examined.iter().filter(|one| one.findings.is_empty()).collect();
    if !well.is_empty() {
        let names: Vec<_> = well.iter().map(|one| one.check).collect();
        text += &hanging(&page.paint.good("ok"), "ok", &names.join(", "), page);
    }
    for severity in [Severity::Info, Severity::Warning, Severity::Failure] {
        for one in examined.iter().filter(|one| one.severity() == Some(severity)) {
            text += &of_check(one, verbose, page);
        }
    }
    text
}

/// One check with all that it found, the most serious last.
fn of_check(one: &Examined, verbose: bool, page: Page) -> String {
    let mut findings: Vec<_> = one.findings.iter().collect();
    findings.sort_by_key(|finding| finding.severity);
    let mut text = String::new();
    for finding in findings {
        text += &of_finding(finding, one.check, page);
    }
    if verbose || one.severity() > Some(Severity::Info) {
        text += &format!("  {} {}\n", page.paint.faint("why:"), hung(one.why, 7, page));
    }
    text
}

fn of_finding(finding: &Finding, check: &str, page: Page) -> String {
    let paint = page.paint;
    let plain = format!("{}[{check}]", finding.severity.name());
    let head = match finding.severity {
        Severity::Info => paint.note(&plain),
        Severity::Warning => paint.warn(&plain),
        Severity::Failure => paint.bad(&plain),
    };
    let mut text = hanging(&head, &plain, &finding.what, page);
    // Neither details nor remedies are broken into lines: what a terminal breaks by itself can still be copied.
    for detail in &finding.details {
        text += &format!("  {}\n", escape_line(detail));
    }
    if let Some(remedy) = &finding.remedy {
        for (index, line) in remedy.trim_end().split('\n').enumerate() {
            let word = if index == 0 { paint.note("do:") } else { "   ".to_owned() };
            text += format!("  {word}  {}", escape_line(line)).trim_end();
            text.push('\n');
        }
    }
    text
}

/// `HEAD: TEXT`, the lines after the first set in.
fn hanging(head: &str, plain: &str, text: &str, page: Page) -> String {
    // A long name of a check would push all of its text to the right edge.
    let first = plain.chars().count() + 2;
    let lines = wrapped(&escape_line(text), page.width, first, 2);
    format!("{head}: {}\n", lines.join("\n  "))
}

fn hung(text: &str, column: usize, page: Page) -> String {
    let indent = format!("\n{}", " ".repeat(column));
    wrapped(&escape_line(text), page.width, column, column).join(&indent)
}

/// The first line of a report: `preflight of postgres://app@db/shop, environment production`. Not escaped.
pub(crate) fn head(verb: &str, database: &str, environment: Option<&str>) -> String {
    let environment = environment.map(|name| format!(", environment {name}"));
    format!("{verb} of {database}{}", environment.unwrap_or_default())
}

/// `1 failure, 2 warnings`; empty where there is neither.
fn sum(examined: &[Examined]) -> String {
    let parts = [(Severity::Failure, "failure"), (Severity::Warning, "warning")];
    let parts = parts.map(|(severity, noun)| (Examined::number(examined, severity), noun)).into_iter();
    let parts = parts.filter(|(number, _)| *number > 0).map(|(number, noun)| count(number, noun));
    parts.collect::<Vec<_>>().join(", ")
}

/// What a verdict ends with: `: 1 failure, 2 warnings`; nothing where there is neither.
pub(crate) fn after_verdict(examined: &[Examined]) -> String {
    let sum = sum(examined);
    if sum.is_empty() { sum } else { format!(": {sum}") }
}

/// `12 checks, 1 failure, 2 warnings`
pub(crate) fn summary(examined: &[Examined]) -> String {
    let (checks, sum) = (count(examined.len(), "check"), sum(examined));
    if sum.is_empty() { checks } else { format!("{checks}, {sum}") }
}

/// The last line: where the report is kept.
pub(crate) fn kept(file: Option<&Path>, page: Page) -> String {
    let Some(file) = file else { return String::new() };
    page.paint.faint(&format!("report: {}", escape_line(&file.display().to_string()))) + "\n"
}

/// For programs: one object a check.
pub(crate) fn json(examined: &[Examined]) -> Value {
    examined.iter().map(of_examined).collect()
}

fn of_examined(one: &Examined) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "severity": finding.severity.name(),
            "what": finding.what,
            "details": finding.details,
            "remedy": finding.remedy,
            "data": finding.data,
        })
    };
    json!({
        "check": one.check,
        "title": one.title,
        "why": one.why,
        "severity": one.severity().map_or("ok", Severity::name),
        "findings": one.findings.iter().map(finding).collect::<Value>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Paint;

    fn finding(severity: Severity, what: &str, details: &[&str], remedy: Option<&str>) -> Finding {
        Finding {
            severity,
            what: what.to_owned(),
            details: details.iter().map(|&detail| detail.to_owned()).collect(),
            remedy: remedy.map(str::to_owned),
            data: json!({ "pid": 4711 }),
        }
    }

    fn examined() -> Vec<Examined> {
        let one = |check, why, findings| Examined { check, title: "what it looks for", why, findings };
        vec![
            one("invalid-indexes", "an invalid index costs writes", vec![]),
            one(
                "blocking-chains",
                "a run would wait at the end of the queue, and everybody who comes later behind it",
                vec![
                    finding(
                        Severity::Failure,
                        "session 4711 (psql\u{1b}[2J, alice@10.0.0.3) has kept 2 sessions waiting for 12 min",
                        &[
                            "4711: LOCK TABLE orders",
                            "  4712 waits for ACCESS SHARE on public.orders: SELECT 1",
                        ],
                        Some("SELECT pg_terminate_backend(4711);"),
                    ),
                    finding(Severity::Info, "a short wait", &[], None),
                ],
            ),
            one("sizes", "large tables take long", vec![finding(Severity::Info, "12 GB", &[], None)]),
            one(
                "prepared-transactions",
                "nobody may ever end it",
                vec![finding(
                    Severity::Warning,
                    "a prepared transaction",
                    &[],
                    Some("COMMIT PREPARED 'x';\nor ROLLBACK PREPARED 'x';"),
                )],
            ),
            one("history", "what was applied has to be what is here", vec![]),
        ]
    }

    #[test]
    fn the_worst_stands_last_and_narrow_terminals_break_words_not_commands() {
        let text = |width, verbose| human(&examined(), verbose, Page { width, paint: Paint { on: false } });
        insta::assert_snapshot!(format!(
            "{}\n{}\n{}",
            text(None, false),
            text(Some(40), false),
            text(Some(100), true)
        ));
        assert_eq!(sum(&examined()), "1 failure, 1 warning");
        assert_eq!(sum(&examined()[..1]), "");
        assert_eq!(after_verdict(&examined()), ": 1 failure, 1 warning");
        assert_eq!(after_verdict(&examined()[..1]), "");
        assert_eq!(summary(&examined()), "5 checks, 1 failure, 1 warning");
        assert_eq!(summary(&examined()[..1]), "1 check");
    }

    #[test]
    fn for_programs() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&json(&examined()[..2])).unwrap());
    }
}
