//! What data a roll back destroys, before anybody says yes to it.

use serde_json::{Value, json};

use crate::loss::{Count, Loss, Losses, What};
use crate::render::words::{bytes, count};
use crate::render::{Page, View, escape_line};

/// What a roll back destroys.
pub(crate) struct LossView {
    pub(crate) database: String,
    pub(crate) losses: Losses,
}

impl View for LossView {
    fn human(&self, page: Page) -> String {
        let paint = page.paint;
        let mut text =
            format!("{}\n", paint.bold(&format!("what this destroys in {}", escape_line(&self.database))));
        for step in &self.losses.steps {
            text += &format!("  {}\n", paint.bold(&escape_line(&step.stem)));
            if step.losses.is_empty() && step.unseen.is_empty() {
                text += "    no data\n";
            }
            for loss in &step.losses {
                let head = format!("{} {}", word(loss.what), loss.name);
                text += &format!("    {}: {}\n", paint.bad(&escape_line(&head)), escape_line(&amount(loss)));
                for with_it in &loss.with_it {
                    text += &format!("      with it: {}\n", escape_line(with_it));
                }
            }
            for (line, what) in &step.unseen {
                let what = format!("line {line}: {what}");
                text += &format!("    {}: {}\n", paint.warn("not seen"), escape_line(&what));
            }
        }
        text + &format!("{}\n", sum(&self.losses))
    }

    fn json(&self) -> Value {
        json!({ "database": self.database, "steps": steps(&self.losses), "summary": sum(&self.losses) })
    }
}

/// For programs.
pub(crate) fn steps(losses: &Losses) -> Value {
    let loss = |loss: &Loss| {
        json!({
            "line": loss.line, "what": word(loss.what).replace(' ', "_"), "name": loss.name, "rows": number(&loss.rows),
            "of": loss.of.as_ref().map(number), "bytes": loss.bytes, "because": loss.because, "with_it": loss.with_it,
        })
    };
    let steps = losses.steps.iter().map(|step| {
        let unseen = step.unseen.iter().map(|(line, what)| json!({ "line": line, "what": what }));
        json!({
            "migration": step.stem, "losses": step.losses.iter().map(loss).collect::<Value>(),
            "unseen": unseen.collect::<Value>(),
        })
    });
    steps.collect()
}

fn number(count: &Count) -> Value {
    let (kind, number) = match count {
        Count::Exact(number) => ("exact", Some(number)),
        Count::About(number) => ("about", Some(number)),
        Count::AtMost(number) => ("at_most", Some(number)),
        Count::Unknown => ("unknown", None),
    };
    json!({ "kind": kind, "number": number })
}

/// What goes, in a word or two.
fn word(what: What) -> &'static str {
    match what {
        What::Table => "table",
        What::MaterializedView => "materialized view",
        What::Column => "column",
        What::Rows => "rows",
        What::Values => "values",
        What::Conversion => "converted values",
        What::Sequence => "sequence",
    }
}

/// How much of it: `1204 rows, 112 kB`.
fn amount(loss: &Loss) -> String {
    let of = |noun: &str| match &loss.of {
        Some(of) => format!("{} of {}", loss.rows.text(), counted(of, noun)),
        None => counted(&loss.rows, noun),
    };
    let mut text = match loss.what {
        What::Table => counted(&loss.rows, "row"),
        What::MaterializedView => format!("{}, which its query makes again", counted(&loss.rows, "row")),
        What::Column => format!("{} have a value", of("row")),
        What::Rows => match loss.of {
            Some(_) => of("row"),
            None => format!("all {}", counted(&loss.rows, "row")),
        },
        What::Values => format!("{} overwritten", of("row")),
        What::Conversion => format!("{} become others", of("value")),
        What::Sequence => match loss.rows {
            Count::Exact(at) => format!("its counter, which is at {at}"),
            _ => "its counter".to_owned(),
        },
    };
    if let Some(size) = loss.bytes {
        text += &format!(", {}", bytes(size));
    }
    if let Some(because) = &loss.because {
        text += &format!(" (goes with {because})");
    }
    text
}

fn counted(rows: &Count, noun: &str) -> String {
    match rows {
        Count::Exact(number) => count(usize::try_from(*number).unwrap_or(usize::MAX), noun),
        Count::Unknown => format!("an unknown number of {noun}s"),
        other => format!("{} {noun}s", other.text()),
    }
}

impl Count {
    fn text(&self) -> String {
        match self {
            Self::Exact(number) => number.to_string(),
            Self::About(number) => format!("about {number}"),
            Self::AtMost(number) => format!("at most {number}"),
            Self::Unknown => "an unknown number".to_owned(),
        }
    }
}

/// All of it in one line.
fn sum(losses: &Losses) -> String {
    let all = || losses.steps.iter().flat_map(|step| &step.losses);
    let number = |what: What| all().filter(|loss| loss.what == what).count();
    let named = [
        (number(What::Table), "table"),
        (number(What::Column), "column"),
        (number(What::MaterializedView), "materialized view"),
        (number(What::Sequence), "sequence"),
    ];
    let mut parts: Vec<_> =
        named.iter().filter(|(number, _)| *number > 0).map(|(number, noun)| count(*number, noun)).collect();
    let rows: u64 = all()
        .filter(|loss| matches!(loss.what, What::Table | What::Rows))
        .map(|loss| match loss.rows {
            Count::Exact(number) | Count::About(number) | Count::AtMost(number) => number,
            Count::Unknown => 0,
        })
        .sum();
    let exact = all().all(|loss| matches!(loss.rows, Count::Exact(_)));
    if rows > 0 {
        let about = if exact { "" } else { "about " };
        parts.push(format!("{about}{}", count(usize::try_from(rows).unwrap_or(usize::MAX), "row")));
    }
    let changed = number(What::Values) + number(What::Conversion);
    if changed > 0 {
        parts.push("values of rows that stay".to_owned());
    }
    let unseen: usize = losses.steps.iter().map(|step| step.unseen.len()).sum();
    let mut text = match parts.is_empty() {
        true => "in all: no data that can be seen".to_owned(),
        false => format!("in all: {}", parts.join(", ")),
    };
    if unseen > 0 {
        let what =
            if unseen == 1 { "1 statement whose".to_owned() } else { format!("{unseen} statements whose") };
        text += &format!("; beside {what} effect cannot be seen");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::StepLoss;
    use crate::render::Paint;

    #[test]
    fn what_goes_is_told_by_migration_and_in_all() {
        let loss = |what, name: &str, rows| Loss::new(1, what, name, rows);
        let one = Losses {
            steps: vec![
                StepLoss {
                    stem: "0003_c".to_owned(),
                    losses: vec![
                        Loss {
                            bytes: Some(114_688),
                            with_it: vec!["view public.totals".to_owned()],
                            ..loss(What::Table, "public.\"a\u{1b}\"", Count::Exact(1204))
                        },
                        Loss {
                            of: Some(Count::About(4310)),
                            ..loss(What::Column, "public.orders.note", Count::About(311))
                        },
                        Loss { because: Some("s".to_owned()), ..loss(What::Table, "s.t", Count::Exact(1)) },
                        Loss {
                            of: Some(Count::Exact(10)),
                            ..loss(What::Rows, "public.b", Count::AtMost(10))
                        },
                        Loss {
                            of: Some(Count::Exact(10)),
                            ..loss(What::Conversion, "public.b.x (from text to integer)", Count::Exact(2))
                        },
                        loss(What::Sequence, "public.s", Count::Exact(7)),
                    ],
                    unseen: vec![(4, "a DO block: what it destroys cannot be seen".to_owned())],
                },
                StepLoss { stem: "0002_b".to_owned(), ..StepLoss::default() },
            ],
        };
        let page = Page { width: None, paint: Paint { on: false } };
        let view = LossView { database: "postgres://db/shop".to_owned(), losses: one };
        insta::assert_snapshot!(view.human(page));
        let none = LossView { database: "x".to_owned(), losses: Losses::default() };
        assert!(none.human(page).ends_with("in all: no data that can be seen\n"));
    }
}
