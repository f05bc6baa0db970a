//! Where the history is kept, always written schema-qualified and quoted.

use std::fmt;

use migrate_core::schema::{Change, Diff, kind_and_name, name};

use crate::Error;

/// The schema and name of the history table; the audit log is the same name with `_log` after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryTable {
    /// The schema, unquoted.
    pub schema: String,
    /// The table's name, unquoted.
    pub name: String,
}

impl Default for HistoryTable {
    fn default() -> Self {
        Self { schema: "public".to_owned(), name: "schema_migrations".to_owned() }
    }
}

impl HistoryTable {
    /// The table, quoted for SQL: `"public"."schema_migrations"`.
    pub fn quoted(&self) -> String {
        format!("{}.{}", quote_identifier(&self.schema), quote_identifier(&self.name))
    }

    /// The audit log, quoted for SQL.
    pub fn log_quoted(&self) -> String {
        format!("{}.{}", quote_identifier(&self.schema), quote_identifier(&self.log_name()))
    }

    /// The difference from what migrations make to what is in a database where they ran, without the schema of these
    /// tables: where no migration makes it, the runner did.
    pub fn without_schema(&self, mut diff: Diff) -> Diff {
        diff.changes
            .retain(|change| !matches!(change, Change::Added(object) if self.is_schema(&object.heading)));
        diff
    }

    /// Whether a block of a snapshot is the schema of these tables, and one that the runner makes: `public` is there from
    /// the start.
    pub(crate) fn is_schema(&self, heading: &str) -> bool {
        let ("schema", written) = kind_and_name(heading) else { return false };
        // A line break in a name is escaped in the heading (schema/query.rs).
        let named = name::parts(written).is_some_and(|(parts, rest)| {
            rest.is_empty() && parts.len() == 1 && parts[0].replace("\\000a", "\n") == self.schema
        });
        named && self.schema != Self::default().schema
    }

    /// Refuses names that the server would cut (`NAMEDATALEN`, 63 bytes) or cannot have: the history and its audit log
    /// could end as one table.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let fits = |name: &str, most: usize| !name.is_empty() && name.len() <= most && !name.contains('\0');
        if fits(&self.schema, 63) && fits(&self.name, 59) {
            return Ok(());
        }
        Err(Error::Settings {
            message: format!("`{}` cannot be the history table", self.to_string().escape_debug()),
            hint: "a schema has 1 to 63 bytes, and the table 1 to 59: its audit log has `_log` after it"
                .to_owned(),
        })
    }

    /// The audit log's name, unquoted.
    pub fn log_name(&self) -> String {
        format!("{}_log", self.name)
    }
}

impl fmt::Display for HistoryTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// An identifier for SQL: in double quotes, with those inside doubled.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A qualified name for SQL.
pub(crate) fn quote_path(parts: &[String]) -> String {
    parts.iter().map(|part| quote_identifier(part)).collect::<Vec<_>>().join(".")
}

/// A text literal that means the same whatever `standard_conforming_strings` says.
pub fn quote_literal(text: &str) -> String {
    if text.contains('\\') {
        format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use migrate_core::Schema;

    use super::*;

    #[test]
    fn only_the_schema_of_the_history_is_left_out_and_only_where_it_comes_to_the_others() {
        let schema = |text: &str| Schema::parse(text).unwrap();
        let none = Schema::default();
        let found = schema("schema \"My \"\"own\"\"\"\n    owner a\n\nschema other\n\nschema public\n");
        let left = |name: &str, diff: Diff| {
            let history = HistoryTable { schema: name.to_owned(), name: "h".to_owned() };
            history.without_schema(diff).text()
        };
        assert_eq!(left("My \"own\"", none.diff(&found)), "+ schema other\n+ schema public\n");
        assert!(left("public", none.diff(&found)).contains("+ schema public"));
        assert!(left("other", found.diff(&none)).contains("- schema other"));
        let history = HistoryTable { schema: "a\nb".to_owned(), name: "h".to_owned() };
        assert!(history.is_schema("schema \"a\\000ab\""));
    }
}
