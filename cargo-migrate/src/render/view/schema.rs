//! The schema of a database, and whether it is what an application needs.

use migrate_core::schema::{Unmet, kind_and_name};
use migrate_core::{Checksum, Schema};
use serde_json::{Value, json};

use crate::render::words::count;
use crate::render::{Page, View, escape, escape_line};

/// A snapshot.
pub(crate) struct SchemaView {
    pub(crate) database: String,
    pub(crate) schema: Schema,
    /// Into a file goes the text as it is, so that its digest is the one that was told; a terminal would obey it.
    pub(crate) terminal: bool,
}

impl View for SchemaView {
    fn is_exact(&self) -> bool {
        true
    }

    fn human(&self, page: Page) -> String {
        let text = self.schema.text();
        if !self.terminal && !page.paint.on {
            return text;
        }
        let mut shown = String::new();
        for line in text.split_inclusive('\n') {
            let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
            let safe = escape(line);
            let is_heading = !line.is_empty() && !line.starts_with(' ');
            shown += &if is_heading { page.paint.bold(&safe) } else { safe.into_owned() };
            shown += end;
        }
        shown
    }

    fn json(&self) -> Value {
        let objects = self.schema.objects().map(|object| {
            let (kind, name) = kind_and_name(&object.heading);
            json!({ "object": object.heading, "kind": kind, "name": name, "facts": object.lines })
        });
        json!({
            "database": self.database,
            "digest": self.schema.digest().to_string(),
            "objects": objects.collect::<Vec<_>>(),
        })
    }
}

/// Its digest alone.
pub(crate) struct SchemaDigestView {
    pub(crate) database: String,
    pub(crate) digest: Checksum,
}

impl View for SchemaDigestView {
    fn human(&self, _: Page) -> String {
        format!("{}\n", self.digest)
    }

    fn json(&self) -> Value {
        json!({ "database": self.database, "digest": self.digest.to_string() })
    }
}

/// Whether a database has what the application needs.
pub(crate) struct ValidView {
    pub(crate) database: String,
    pub(crate) unmet: Vec<Unmet>,
}

impl View for ValidView {
    fn human(&self, page: Page) -> String {
        let database = escape_line(&self.database);
        if self.unmet.is_empty() {
            return format!("{}: {database} has what the application needs\n", page.paint.good("ok"));
        }
        let mut text = String::new();
        for unmet in &self.unmet {
            text += &format!("{}: {}\n", page.paint.bad("unfit"), escape_line(&unmet.to_string()));
        }
        text += &format!("{} in {database}\n", count(self.unmet.len(), "difference"));
        let hint = "apply what is pending (`cargo migrate up`); where nothing is, `cargo migrate drift` shows what was \
                    changed by hand";
        text + &format!("{}: {hint}\n", page.paint.note("hint"))
    }

    fn json(&self) -> Value {
        let unmet = self.unmet.iter().map(|unmet| {
            let mut value = match unmet {
                Unmet::Object { heading } => json!({ "kind": "missing_object", "object": heading }),
                Unmet::Kind { name, found, needed } => {
                    json!({ "kind": "other_kind", "object": name, "found": found, "needed": needed })
                }
                Unmet::Part { object, needed } => {
                    json!({ "kind": "missing_part", "object": object, "needed": needed })
                }
                Unmet::Different { what, found, needed } => {
                    json!({ "kind": "different", "object": what, "found": found, "needed": needed })
                }
                Unmet::Unfilled { column } => json!({ "kind": "unfilled_column", "object": column }),
                _ => json!({ "kind": "other" }),
            };
            value["message"] = unmet.to_string().into();
            value
        });
        json!({ "database": self.database, "fits": self.unmet.is_empty(), "unmet": unmet.collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Paint;

    #[test]
    fn a_terminal_gets_it_escaped_and_a_file_as_it_is() {
        let text = "function public.f()\n    definition\n    |\u{1b}[2J\r\n";
        let mut view =
            SchemaView { database: "d".into(), schema: Schema::parse(text).unwrap(), terminal: false };
        let page = Page { width: None, paint: Paint::default() };
        assert_eq!(view.human(page), text);
        view.terminal = true;
        assert_eq!(view.human(page), "function public.f()\n    definition\n    |\\u{1b}[2J\\r\n");
    }
}
