//! What tables and columns are called on the server while a plan that renames them, and makes others, is only read.

use migrate_runtime::quote_identifier;

use crate::risk::Name;

/// The names that a plan gave so far.
#[derive(Default)]
pub(super) struct Names {
    /// What tables are called, and what they are called on the server now; the newest last.
    renamed: Vec<(String, String)>,
    /// The same of columns, with the table's name on the server.
    columns: Vec<(String, String, String)>,
    /// Tables and columns that the plan itself made.
    created: Vec<String>,
    added: Vec<(String, String)>,
}

impl Names {
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        let (from, schema) =
            (self.now(from), Name::parse(from).and_then(|name| name.schema().map(str::to_owned)));
        let to = match (schema, Name::parse(to).is_some_and(|to| to.schema().is_none())) {
            (Some(schema), true) => format!("{}.{to}", quote_identifier(&schema)),
            _ => to.to_owned(),
        };
        self.renamed.push((to, from));
    }

    pub(super) fn rename_column(&mut self, table: &str, from: &str, to: &str) {
        let (table, from) = (self.now(table), self.column_now(table, from));
        self.columns.push((table, to.to_owned(), from));
    }

    pub(super) fn create(&mut self, name: &str) {
        self.created.push(name.to_owned());
    }

    pub(super) fn add_column(&mut self, table: &str, column: &str) {
        let table = self.now(table);
        self.added.push((table, column.to_owned()));
    }

    /// Whether the plan made this column.
    pub(super) fn is_added(&self, table: &str, column: &str) -> bool {
        let now = self.now(table);
        self.added.iter().any(|(of, added)| *of == now && added == column)
    }

    /// Whether the plan gave this table, or a column of it, another name.
    pub(super) fn is_renamed(&self, table: &str) -> bool {
        let now = self.now(table);
        now != table || self.columns.iter().any(|(of, ..)| *of == now)
    }

    /// What a table that a statement names is called on the server now.
    pub(super) fn now(&self, name: &str) -> String {
        let fits = |to: &str| match (Name::parse(to), Name::parse(name)) {
            (Some(to), Some(name)) => to.fits(&name),
            _ => false,
        };
        self.renamed
            .iter()
            .rev()
            .find(|(to, _)| fits(to))
            .map_or_else(|| name.to_owned(), |(_, from)| from.clone())
    }

    pub(super) fn column_now(&self, table: &str, column: &str) -> String {
        let table = self.now(table);
        let renamed = self.columns.iter().rev().find(|(of, to, _)| *of == table && to == column);
        renamed.map_or_else(|| column.to_owned(), |(_, _, from)| from.clone())
    }

    pub(super) fn is_created(&self, name: &str) -> bool {
        let name = Name::parse(name);
        self.created
            .iter()
            .any(|created| Name::parse(created).zip(name.as_ref()).is_some_and(|(one, name)| one.fits(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renames_are_followed_back_to_what_the_server_has() {
        let mut names = Names::default();
        names.rename("app.orders", "sales");
        names.rename("sales", "revenue");
        assert_eq!(names.now("app.revenue"), "app.orders");
        assert_eq!(names.now("other"), "other");
        names.rename_column("revenue", "note", "remark");
        assert_eq!(names.column_now("revenue", "remark"), "note");
        assert!(names.is_renamed("revenue") && !names.is_renamed("other"));
        names.create("public.fresh");
        assert!(names.is_created("fresh") && !names.is_created("orders"));
        names.add_column("app.orders", "extra");
        assert!(names.is_added("revenue", "extra") && !names.is_added("revenue", "note"));
    }
}
