//! What a database has beside its migrations, in words for whoever is on call.

use migrate_core::schema::{Change, Diff, Fact, kind_and_name};
use serde_json::{Value, json};

use super::schema_diff::{changes, lines};
use crate::render::words::count;
use crate::render::{Page, View, escape_line};

/// The difference from what the applied migrations make to what the database has.
pub(crate) struct DriftView {
    pub(crate) database: String,
    pub(crate) applied: usize,
    pub(crate) diff: Diff,
}

/// Each thing that differs in a sentence.
pub(crate) fn sentences(diff: &Diff) -> Vec<String> {
    diff.changes.iter().flat_map(of_change).collect()
}

fn of_change(change: &Change) -> Vec<String> {
    let (kind, name) = kind_and_name(change.heading());
    match change {
        Change::Added(_) => vec![format!("{kind} {name} is there, and no migration makes it")],
        Change::Removed(_) => vec![format!("{kind} {name} is missing, and a migration makes it")],
        Change::Reordered { .. } => {
            vec![format!("{kind} {name} has its columns in another order (no drift)")]
        }
        Change::Changed { removed, added, .. } => of_parts(kind, name, removed, added),
        _ => vec![format!("{kind} {name} differs")],
    }
}

fn of_parts(kind: &str, object: &str, made: &[String], live: &[String]) -> Vec<String> {
    let mut sentences = Vec::new();
    let part = |line: &str| {
        let fact = Fact::of(line);
        (fact.word.to_owned(), fact.name.map(str::to_owned))
    };
    let pair = |line: &String, others: &[String]| {
        // Of facts without a name only one against one is a change.
        let same: Vec<_> = others.iter().filter(|other| part(other) == part(line)).cloned().collect();
        let single = part(line).1.is_some() || same.len() == 1;
        if single { same.into_iter().next() } else { None }
    };
    let lonely = |line: &String, own: &[String]| {
        part(line).1.is_some() || own.iter().filter(|other| part(other) == part(line)).count() == 1
    };
    for line in made {
        sentences.push(match pair(line, live).filter(|_| lonely(line, made)) {
            Some(other) => changed(kind, object, line, &other),
            None => format!("{object} lacks the {}, which a migration makes", described(line)),
        });
    }
    for line in live {
        if pair(line, made).is_none() || !lonely(line, live) {
            sentences.push(format!("{object} has the {}, which no migration makes", described(line)));
        }
    }
    sentences
}

fn changed(kind: &str, object: &str, made: &str, live: &str) -> String {
    if made.contains('\n') || live.contains('\n') {
        let what = Fact::of(made)
            .name
            .map_or_else(String::new, |name| format!(" in {} {name}", Fact::of(made).word));
        return format!("{kind} {object} has another definition{what} than the migrations give it");
    }
    let (of_made, of_live) = (Fact::of(made), Fact::of(live));
    match of_made.name {
        Some(name) if matches!(of_made.word, "column" | "attribute") => {
            format!("{object}.{name} is {}, and the migrations make it {}", of_live.rest, of_made.rest)
        }
        Some(name) => format!(
            "{} {name} of {object} is {}, and the migrations make it {}",
            of_made.word, of_live.rest, of_made.rest
        ),
        None => format!("{object} says {live}, and the migrations make it {made}"),
    }
}

/// `column total`, `index orders_idx`, `policy everyone`; what has no name as it stands there.
fn described(line: &str) -> String {
    match Fact::of(line) {
        Fact { word, name: Some(name), .. } => format!("{word} {name}"),
        _ => format!("line `{}`", line.split('\n').next().unwrap_or_default()),
    }
}

impl View for DriftView {
    fn human(&self, page: Page) -> String {
        let database = escape_line(&self.database);
        let migrations = count(self.applied, "applied migration");
        let paint = page.paint;
        if self.diff.is_empty() {
            return format!("{}: {database} is what its {migrations} made\n", paint.good("no drift"));
        }
        let word = if self.diff.is_order_only() { paint.warn("no drift") } else { paint.bad("drift") };
        let mut text = String::new();
        for sentence in sentences(&self.diff) {
            text += &format!("{word}: {}\n", escape_line(&sentence));
        }
        text += &format!("\n{}\n", paint.bad(&format!("--- what its {migrations} made")));
        text += &format!("{}\n", paint.good(&format!("+++ {database}")));
        text += &lines(&self.diff, paint);
        let hint = match self.diff.is_order_only() {
            true => "a statement that names its columns does not notice",
            false => {
                "write a migration that makes the change, or take the change back; what is meant to differ is \
                      left out with --ignore PATTERN, or `drift-ignore` in the metadata"
            }
        };
        text + &format!("{}: {hint}\n", paint.note("hint"))
    }

    fn json(&self) -> Value {
        json!({
            "database": self.database,
            "applied": self.applied,
            "drift": !self.diff.is_empty() && !self.diff.is_order_only(),
            "order_only": self.diff.is_order_only(),
            "findings": sentences(&self.diff),
            "changes": changes(&self.diff),
        })
    }
}

#[cfg(test)]
mod tests {
    use migrate_core::Schema;

    use super::*;

    #[test]
    fn each_difference_is_a_sentence() {
        let made = "\
function public.f()
    definition
    |SELECT 1

table public.orders
    column id bigint not null
    column note text
    column total numeric(12,2)
    constraint positive CHECK ((total > 0))
    row level security

table public.gone
    column id integer

table public.turned
    column a integer
    column b integer
";
        let live = "\
function public.f()
    definition
    |SELECT 2

table public.orders
    column id bigint
    column total numeric(12,2)
    column extra text
    constraint positive CHECK ((total > 1))
    index by_hand CREATE INDEX by_hand ON public.orders USING btree (id)

table public.made_by_hand
    column id integer

table public.turned
    column b integer
    column a integer
";
        let read = |text| Schema::parse(text).unwrap();
        insta::assert_snapshot!(sentences(&read(made).diff(&read(live))).join("\n"));
    }
}
