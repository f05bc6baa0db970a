//! A database's schema as canonical text, and the difference between two: pure data, read from a connection by
//! migrate-runtime and from a file by everybody.
//!
//! ```text
//! table public.orders
//!     column id bigint not null
//!     column total numeric(12,2)
//!     constraint orders_pkey PRIMARY KEY (id)
//!
//! view public.totals
//!     definition
//!     |  SELECT sum(orders.total) AS sum
//!     |    FROM public.orders;
//! ```
//!
//! A block an object, blocks sorted by their heading, byte by byte. What is said about the object stands indented, one
//! fact a line: the columns first and in the table's order, everything else sorted by migrate-runtime. A fact of
//! several lines goes on behind `|`, exactly as it is, so that no line ends in a blank that an editor would remove.

mod diff;
mod fact;
pub mod name;
mod need;
mod object;
mod parse;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use diff::{Change, Diff};
pub use fact::{Column, Fact, kind_and_name};
pub use need::Unmet;
pub use object::Object;
pub use parse::ParseError;

use crate::Checksum;

/// The file that `cargo migrate verify --record` writes into the migrations folder: the schema at the newest version, as
/// an insta snapshot named `schema.sql`.
pub const FILE_NAME: &str = "schema.sql.snap";

/// All objects of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    objects: BTreeMap<String, Arc<Object>>,
}

impl Schema {
    /// The objects in the order of their headings.
    pub fn objects(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.objects.values()
    }

    /// The object with this heading, `table public.orders`.
    pub fn get(&self, heading: &str) -> Option<&Arc<Object>> {
        self.objects.get(heading)
    }

    /// Puts an object in, in the place of the one with its heading.
    pub fn insert(&mut self, object: impl Into<Arc<Object>>) {
        let object = object.into();
        self.objects.insert(object.heading.clone(), object);
    }

    /// Takes an object out.
    pub fn remove(&mut self, heading: &str) -> Option<Arc<Object>> {
        self.objects.remove(heading)
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The canonical text: each block's lines end in LF, an empty line stands between two blocks.
    pub fn text(&self) -> String {
        let blocks: Vec<_> = self.objects.values().map(|object| object.text()).collect();
        blocks.join("\n")
    }

    /// SHA-256 of [`Schema::text`].
    pub fn digest(&self) -> Checksum {
        Checksum::of(&self.text())
    }

    /// A schema from its text, or from an insta snapshot of it (whose head between `---` lines is passed over).
    ///
    /// # Errors
    ///
    /// The first line that makes no sense.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        parse::parse(text)
    }

    /// What is the same wherever the same scripts ran, whoever ran them: without owners and grants.
    pub fn portable(&self) -> Self {
        let objects = self.objects().filter(|object| !diff::is_privilege(&object.heading));
        let portable = |object: &Arc<Object>| Object {
            heading: object.heading.clone(),
            lines: object.lines.iter().filter(|line| diff::is_portable(line)).cloned().collect(),
        };
        objects.map(portable).collect()
    }

    /// What has to change in `self` to make it `other`.
    pub fn diff(&self, other: &Self) -> Diff {
        diff::diff(&self.objects, &other.objects)
    }

    /// What an application that was built for `self` would miss in `found`. What `found` has beyond it is fine, but
    /// for a column that would have to be given a value; the order of columns, owners, grants, comments and how things
    /// are stored do not matter.
    pub fn unmet(&self, found: &Self) -> Vec<Unmet> {
        need::unmet(self, found)
    }
}

impl FromIterator<Object> for Schema {
    fn from_iter<I: IntoIterator<Item = Object>>(objects: I) -> Self {
        let mut schema = Self::default();
        objects.into_iter().for_each(|object| schema.insert(object));
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(heading: &str, lines: &[&str]) -> Object {
        Object { heading: heading.to_owned(), lines: lines.iter().map(|line| (*line).to_owned()).collect() }
    }

    fn example() -> Schema {
        [
            object("view public.v", &["definition\n SELECT 1;\n\n  -- end "]),
            object("table public.t", &["column b integer", "column a integer"]),
            object("schema public", &[]),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn text_is_sorted_and_read_again() {
        let text = "schema public\n\ntable public.t\n    column b integer\n    column a integer\n\n\
                    view public.v\n    definition\n    | SELECT 1;\n    |\n    |  -- end \n";
        assert_eq!(example().text(), text);
        assert_eq!(Schema::parse(text), Ok(example()));
        assert_eq!(Schema::parse(&text.replace('\n', "\r\n")), Ok(example()));
        let snapshot = format!("---\nsource: a.rs\nexpression: schema\n---\n{text}");
        assert_eq!(Schema::parse(&snapshot), Ok(example()));
        assert_eq!(Schema::parse(""), Ok(Schema::default()));
        assert_eq!(example().digest(), Checksum::of(text));
    }

    #[test]
    fn what_makes_no_sense_is_named_by_its_line() {
        for (text, line) in [
            ("    column a integer\n", 1),
            ("table t\n    | more\n", 2),
            ("table t\n  column\n", 2),
            ("table t\n\ntable t\n", 3),
            ("---\nsource: x\n", 1),
        ] {
            let error = Schema::parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text:?}: {error}");
        }
    }

    #[test]
    fn a_difference_is_told_by_object() {
        let mut other = example();
        other.insert(object("table public.t", &["column a integer", "column b integer"]));
        other.insert(object("table public.u", &["column a integer"]));
        other.insert(object("view public.v", &["definition\n SELECT 2;", "comment 'x'"]));
        other.remove("schema public");
        let diff = example().diff(&other);
        assert_eq!(
            diff.text(),
            "- schema public\n\
             ~ table public.t\n\
             + table public.u\n+     column a integer\n\
             \x20 view public.v\n\
             -     definition\n-     | SELECT 1;\n-     |\n-     |  -- end \n\
             +     definition\n+     | SELECT 2;\n+     comment 'x'\n"
        );
        assert!(!diff.is_order_only());
        assert!(example().diff(&example()).is_empty());
        let back = other.diff(&example());
        assert_eq!(back, diff.reversed());
        assert_ne!(back.digest(), diff.digest());
        let mut order = example();
        order.insert(object("table public.t", &["column a integer", "column b integer"]));
        assert!(example().diff(&order).is_order_only());
    }

    #[test]
    fn a_digest_is_of_the_script_and_not_of_the_database() {
        let table = |lines: &[&str]| -> Schema { [object("table t", lines)].into_iter().collect() };
        let digest = |before: &[&str], after: &[&str]| table(before).diff(&table(after)).digest();
        let plain = digest(&["column a integer"], &["column a integer", "column b integer", "column c text"]);
        for (before, after) in [
            // A column of somebody else; who owns it; who may use it, before and after.
            (vec!["column x text"], vec!["column x text", "column b integer", "column c text"]),
            (vec![], vec!["column c text", "column b integer"]),
            (vec!["owner a"], vec!["column b integer", "column c text", "owner b"]),
            (vec!["grant all to a"], vec!["column b integer", "column c text", "grant select (b) to a"]),
        ] {
            assert_eq!(digest(&before, &after), plain, "{before:?} {after:?}");
        }
        assert_ne!(digest(&[], &["column b bigint", "column c text"]), plain);
        let nothing = digest(&[], &[]);
        assert_eq!(digest(&["column a int", "column b int"], &["column b int", "column a int"]), nothing);
        assert_eq!(digest(&["owner a"], &["grant all to b"]), nothing);
        // In a new table the order is the script's own.
        let made = |lines: &[&str]| Schema::default().diff(&table(lines)).digest();
        assert_ne!(made(&["column a int", "column b int"]), made(&["column b int", "column a int"]));
        assert_eq!(made(&["column a int", "owner a"]), made(&["column a int"]));
    }
}
