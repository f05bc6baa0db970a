//! A check that did not hold: its query at its line, and the first rows that it found.

use std::path::Path;

use migrate_core::sql::mask_text;
use migrate_runtime::checks::{Found, Outcome, Verdict};
use serde_json::{Value, json};

use super::escape::escape_line;
use super::json::{milliseconds, with_server_error};
use super::snippet::Place;
use super::table::{Cell, Column, table};
use super::ui::Page;
use super::words::one_line;

/// Columns of a row that are shown; who needs the rest runs the query.
const COLUMNS: usize = 8;
/// Characters of one value that are shown.
const OF_A_VALUE: usize = 60;

/// The query with `title` above it, and what came of it.
pub(crate) fn human(outcome: &Outcome, title: &str, dir: Option<&Path>, page: Page) -> String {
    let path = path_of(outcome, dir);
    let (position, code) = match &outcome.verdict {
        Verdict::Refused { position, server } => (*position, Some(server.code.as_str())),
        _ => (None, None),
    };
    let place = Place { path: &path, text: &outcome.text, position, statement: Some(outcome.statement) };
    let mut text = place.render(title, code.filter(|code| !code.is_empty()), page);
    match &outcome.verdict {
        Verdict::Found(found) => {
            text += &format!("  it {}:\n", outcome.verdict);
            text += &rows(found, page);
        }
        verdict => text += &format!("  it {}\n", escape_line(&mask_text(&verdict.to_string()))),
    }
    if let Verdict::Refused { server, .. } = &outcome.verdict {
        for (name, more) in [("detail", &server.detail), ("hint of the server", &server.hint)] {
            if let Some(more) = more {
                text += &format!("  {name}: {}\n", escape_line(&mask_text(more)));
            }
        }
    }
    text
}

fn rows(found: &Found, page: Page) -> String {
    if found.columns.is_empty() {
        return "    (rows without a column)\n".to_owned();
    }
    let titles: Vec<_> =
        found.columns.iter().take(COLUMNS).map(|title| escape_line(title).into_owned()).collect();
    let columns: Vec<_> = titles.iter().map(|title| Column { title, goes: 0, shrinks_to: Some(8) }).collect();
    let cell = |value: &Option<String>| match value {
        Some(value) => Cell::plain(&one_line(&mask_text(value), OF_A_VALUE)),
        None => Cell::painted("NULL", |paint, text| paint.faint(text)),
    };
    let cells: Vec<Vec<_>> =
        found.rows.iter().map(|row| row.iter().take(COLUMNS).map(cell).collect()).collect();
    let width = page.width.map(|width| width.saturating_sub(4).max(20));
    let mut text: String = table(&columns, &cells, width, page.paint)
        .split_inclusive('\n')
        .map(|line| format!("    {line}"))
        .collect();
    if found.more {
        text += "    …\n";
    }
    if found.columns.len() > COLUMNS {
        text += &format!("    ({} of its {} columns)\n", COLUMNS, found.columns.len());
    }
    text
}

/// The same for programs.
pub(crate) fn json(outcome: &Outcome, dir: Option<&Path>) -> Value {
    let value = json!({
        "check": outcome.description,
        "file": path_of(outcome, dir),
        "line": outcome.line,
        "moment": outcome.moment.name(),
        "passed": outcome.passed(),
        "verdict": mask_text(&outcome.verdict.to_string()),
        "elapsed_ms": milliseconds(outcome.elapsed),
        "columns": Value::Null,
        "rows": Value::Null,
        "more": false,
    });
    match (&outcome.verdict, value) {
        (Verdict::Found(found), Value::Object(mut object)) => {
            let row = |row: &Vec<Option<String>>| -> Value {
                row.iter().map(|value| value.as_deref().map(mask_text)).map(|value| json!(value)).collect()
            };
            object.insert("columns".to_owned(), json!(found.columns));
            object.insert("rows".to_owned(), found.rows.iter().map(row).collect());
            object.insert("more".to_owned(), found.more.into());
            Value::Object(object)
        }
        (Verdict::Refused { server, .. }, value) => with_server_error(value, server),
        (_, value) => value,
    }
}

/// The file as a person here would open it.
fn path_of(outcome: &Outcome, dir: Option<&Path>) -> String {
    let path = dir.map(|dir| dir.join(&outcome.file)).filter(|path| path.is_file());
    path.map_or_else(|| outcome.file.clone(), |path| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use migrate_core::{CheckScript, Moment};
    use migrate_runtime::error::ServerError;

    use super::*;
    use crate::render::Paint;

    const TEXT: &str = "-- migrate: before\n-- no two customers have one address\nSELECT email, count(*) FROM customers\n\
                        GROUP BY email HAVING count(*) > 1;\n";

    pub(crate) fn outcome(verdict: Verdict) -> Outcome {
        let script = CheckScript::parse("0002_b.check.sql", TEXT.to_owned()).unwrap();
        let check = &script.checks[0];
        Outcome {
            file: script.file.to_string(),
            text: TEXT.to_owned(),
            statement: (check.start, check.end),
            line: 3,
            description: check.description.as_ref().map(ToString::to_string),
            moment: Moment::Before,
            verdict,
            elapsed: Duration::from_millis(7),
        }
    }

    fn found() -> Verdict {
        let row = |email: Option<&str>, count: &str| vec![email.map(str::to_owned), Some(count.to_owned())];
        Verdict::Found(Found {
            columns: vec!["email".to_owned(), "count\u{1b}[2J".to_owned()],
            rows: vec![row(Some("a@example.org"), "2"), row(None, "3"), row(Some("x\n\u{1b}[31m"), "2")],
            more: true,
        })
    }

    fn shown(verdict: Verdict) -> String {
        let page = Page { width: Some(60), paint: Paint::default() };
        human(&outcome(verdict), "a check before it failed", None, page)
    }

    #[test]
    fn the_query_and_its_rows_are_shown() {
        insta::assert_snapshot!(shown(found()));
        let Verdict::Found(narrow) = found() else { panic!() };
        let wide = Found { columns: vec!["c".to_owned(); 12], rows: vec![vec![None; 12]], ..narrow };
        let text = shown(Verdict::Found(wide));
        assert!(text.contains("(8 of its 12 columns)"), "{text}");
        assert!(
            shown(Verdict::Found(Found { rows: vec![vec![]], ..Found::default() }))
                .contains("without a column")
        );
    }

    #[test]
    fn what_could_not_be_run_is_shown_at_its_place() {
        let server = ServerError {
            code: "42703".into(),
            message: "column \"email\" does not exist \u{1b}[2J".into(),
            hint: Some("Perhaps you meant \"mail\". PASSWORD 'canary'".into()),
            ..ServerError::default()
        };
        let text = shown(Verdict::Refused { position: TEXT.find("email"), server });
        assert!(!text.contains("canary") && !text.contains('\u{1b}'), "{text}");
        insta::assert_snapshot!(text);
        insta::assert_snapshot!(shown(Verdict::NotTrue(Some(false))));
    }

    #[test]
    fn programs_get_the_rows_too() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&json(&outcome(found()), None)).unwrap());
    }
}
