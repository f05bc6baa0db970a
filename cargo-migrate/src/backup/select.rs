//! Which tables a backup takes in: all, those that are named, or those that pending migrations change.

use std::collections::BTreeSet;

use migrate_runtime::{Connection, Error as EngineError, quote_identifier, quote_literal};

use crate::Problem;
use crate::risk::Touched;

/// A relation that is taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    /// As SQL writes it: `public.orders`.
    pub(super) name: String,
    /// As pg_dump takes it, where no letter of it is a pattern: `"public"."orders"`.
    pub(super) exact: String,
    /// As pg_dump's messages name it: `public.orders`, without quotes.
    pub(super) plain: String,
    /// `r`, `p`, `S`, `m`, `v`, `f`: pg_class.relkind.
    kind: String,
    unlogged: bool,
    /// It belongs to an extension: of its rows pg_dump copies what the extension says.
    of_extension: bool,
    /// What it takes on the disk, without indexes.
    pub(super) bytes: u64,
}

/// All relations that are taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selection(pub(super) Vec<Table>);

/// What a person asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wish {
    /// The whole database.
    #[default]
    Whole,
    /// Tables whose names are like these patterns.
    Tables(Vec<String>),
    /// Schemas whose names are like these patterns.
    Schemas(Vec<String>),
    /// The tables that pending migrations change or destroy.
    Affected(Touched),
}

const DOING: &str = "choosing the tables";

impl Selection {
    /// Resolves a wish.
    ///
    /// # Errors
    ///
    /// [`Problem::Usage`] where a pattern fits nothing, and where nothing is affected.
    pub(super) fn of(connection: &Connection, wish: &Wish) -> anyhow::Result<Self> {
        let condition = match wish {
            Wish::Whole => String::new(),
            Wish::Tables(patterns) => {
                let oids = by_patterns(connection, patterns)?;
                among(&with_parts(connection, &oids, &[])?)
            }
            Wish::Schemas(patterns) => {
                let mut conditions = Vec::new();
                for pattern in patterns {
                    let (_, schema) = regular_expressions(pattern);
                    let like =
                        format!("n.nspname OPERATOR(pg_catalog.~) {} COLLATE \"C\"", quote_literal(&schema));
                    let sql = format!("SELECT 1 FROM pg_catalog.pg_namespace n WHERE {like} LIMIT 1");
                    if connection.rows(DOING, &sql)?.is_empty() {
                        return Err(nothing(format!("no schema is named like `{pattern}`")).into());
                    }
                    conditions.push(like);
                }
                format!(" AND ({})", conditions.join(" OR "))
            }
            Wish::Affected(touched) => among(&affected(connection, touched)?),
        };
        // Not those of the system, not those of sessions, and of sequences only those that were asked for: the others
        // come with their tables.
        let kinds = if matches!(wish, Wish::Tables(_) | Wish::Affected(_)) { "rpSmvf" } else { "rp" };
        let sql = format!(
            "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), n.nspname, c.relname, c.relkind, \
             c.relpersistence = 'u', EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = \
             'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'), \
             CASE WHEN c.relkind IN ('r', 'm') THEN pg_catalog.pg_table_size(c.oid) ELSE 0 END \
             FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE pg_catalog.strpos({}, c.relkind::text) > 0 AND c.relpersistence <> 't' \
             AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'{condition} ORDER BY 1",
            quote_literal(kinds)
        );
        let rows = connection.rows(DOING, &sql)?;
        let table = rows.iter().map(|row| Table {
            name: row.text(0),
            exact: format!("{}.{}", quote_identifier(&row.text(1)), quote_identifier(&row.text(2))),
            plain: format!("{}.{}", row.text(1), row.text(2)),
            kind: row.text(3),
            unlogged: row.flag(4),
            of_extension: row.flag(5),
            bytes: row.number(6).unwrap_or_default(),
        });
        Ok(Self(table.collect()))
    }

    /// What pg_dump locks: tables, also those that are partitioned.
    pub(super) fn lockable(&self) -> impl Iterator<Item = String> {
        let tables = self.0.iter().filter(|table| matches!(table.kind.as_str(), "r" | "p"));
        tables.filter(|table| !table.of_extension).map(|table| format!("ONLY {}", table.name))
    }

    /// The tables whose rows are copied.
    pub(super) fn with_rows(&self, standby: bool) -> impl Iterator<Item = &Table> {
        self.0
            .iter()
            .filter(move |table| table.kind == "r" && !table.of_extension && !(standby && table.unlogged))
    }

    /// What all of it takes on the disk.
    pub(super) fn bytes(&self) -> u64 {
        self.0.iter().map(|table| table.bytes).sum()
    }

    #[cfg(test)]
    pub(super) fn of_sizes(tables: &[(&str, u64)]) -> Self {
        let table = |(name, bytes): &(&str, u64)| Table {
            name: (*name).to_owned(),
            exact: (*name).to_owned(),
            plain: (*name).to_owned(),
            kind: "r".to_owned(),
            unlogged: false,
            of_extension: false,
            bytes: *bytes,
        };
        Self(tables.iter().map(table).collect())
    }

    /// The names, as SQL writes them.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.iter().map(|table| table.name.clone()).collect()
    }
}

fn nothing(what: String) -> Problem {
    Problem::Usage {
        what,
        hint: "write names as pg_dump takes them: orders, public.orders, 'app.*', '\"Orders\"'; \
               or leave the choice out and take the whole database"
            .to_owned(),
    }
}

fn among(oids: &BTreeSet<u32>) -> String {
    // An empty list is no SQL; 0 is nothing's oid.
    let oids = std::iter::once(&0).chain(oids).map(u32::to_string).collect::<Vec<_>>();
    format!(" AND c.oid IN ({})", oids.join(", "))
}

fn oids(connection: &Connection, sql: &str) -> Result<BTreeSet<u32>, EngineError> {
    Ok(connection.rows(DOING, sql)?.iter().filter_map(|row| row.number(0)).collect())
}

fn by_patterns(connection: &Connection, patterns: &[String]) -> anyhow::Result<BTreeSet<u32>> {
    let mut all = BTreeSet::new();
    for pattern in patterns {
        let (schema, name) = regular_expressions(pattern);
        let schema = match schema {
            Some(schema) => {
                format!("n.nspname OPERATOR(pg_catalog.~) {} COLLATE \"C\"", quote_literal(&schema))
            }
            // Without a schema it is what a query would find, as pg_dump has it.
            None => "pg_catalog.pg_table_is_visible(c.oid)".to_owned(),
        };
        let found = oids(
            connection,
            &format!(
                "SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 WHERE c.relkind IN ('r', 'p', 'S', 'm', 'v', 'f') AND n.nspname !~ '^pg_' \
                 AND n.nspname <> 'information_schema' AND {schema} \
                 AND c.relname OPERATOR(pg_catalog.~) {} COLLATE \"C\"",
                quote_literal(&name)
            ),
        )?;
        if found.is_empty() {
            return Err(nothing(format!("no table is named like `{pattern}`")).into());
        }
        all.extend(found);
    }
    Ok(all)
}

/// With the partitions and children of tables, and with the tables whose rows go or change with theirs: through foreign
/// keys that cascade, set null or set a default, and, of the `emptied` ones, through every foreign key.
fn with_parts(
    connection: &Connection,
    all: &BTreeSet<u32>,
    emptied: &[u32],
) -> Result<BTreeSet<u32>, EngineError> {
    let list = |oids: &mut dyn Iterator<Item = &u32>| {
        std::iter::once(&0).chain(oids).map(u32::to_string).collect::<Vec<_>>().join(", ")
    };
    oids(
        connection,
        &format!(
            "WITH RECURSIVE parts(oid, emptied) AS (\
             SELECT oid, oid IN ({}) FROM pg_catalog.pg_class WHERE oid IN ({}) UNION \
             SELECT more.oid, more.emptied FROM parts, LATERAL (\
             SELECT inhrelid, parts.emptied FROM pg_catalog.pg_inherits WHERE inhparent = parts.oid UNION \
             SELECT conrelid, parts.emptied FROM pg_catalog.pg_constraint WHERE contype = 'f' AND confrelid = parts.oid \
             AND parts.emptied) AS more(oid, emptied)) SELECT DISTINCT oid FROM parts",
            list(&mut emptied.iter()),
            list(&mut all.iter().chain(emptied)),
        ),
    )
}

fn affected(connection: &Connection, touched: &Touched) -> anyhow::Result<BTreeSet<u32>> {
    if let Some(unseen) = touched.unseen.first() {
        return Err(Problem::Usage {
            what: format!("what {} changes cannot be told from its text: {}", unseen.migration, unseen.what),
            hint: "leave --affected out and take the whole database, or name the tables with --tables"
                .to_owned(),
        }
        .into());
    }
    let of = |name: &String| -> Result<BTreeSet<u32>, EngineError> {
        oids(connection, &format!("SELECT pg_catalog.to_regclass({})::pg_catalog.oid", quote_literal(name)))
    };
    let (mut all, mut emptied) = (BTreeSet::new(), BTreeSet::new());
    for name in &touched.tables {
        all.extend(of(name)?);
    }
    for name in &touched.emptied {
        emptied.extend(of(name)?);
    }
    for schema in &touched.schemas {
        let sql = format!(
            "SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = {} AND c.relkind IN ('r', 'p', 'S')",
            quote_literal(schema)
        );
        all.extend(oids(connection, &sql)?);
    }
    // A foreign key that cascades changes rows of its own table with those that it refers to, one after the other.
    loop {
        let emptied: Vec<_> = emptied.iter().copied().collect();
        let before = all.len();
        all = with_parts(connection, &all, &emptied)?;
        let list = std::iter::once(&0).chain(&all).map(u32::to_string).collect::<Vec<_>>().join(", ");
        all.extend(oids(
            connection,
            &format!(
                "SELECT conrelid FROM pg_catalog.pg_constraint WHERE contype = 'f' AND confrelid IN ({list}) \
                 AND (confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd'))"
            ),
        )?);
        if all.len() == before {
            break;
        }
    }
    if all.is_empty() {
        return Err(Problem::Usage {
            what: "the pending migrations change no table that is there".to_owned(),
            hint: "leave --affected out to take the whole database".to_owned(),
        }
        .into());
    }
    Ok(all)
}

/// A pattern of psql and pg_dump (manual, psql, "Patterns") as regular expressions: of the schema, where it names one, and
/// of the name.
fn regular_expressions(pattern: &str) -> (Option<String>, String) {
    let (mut schema, mut part) = (None, String::new());
    let (mut quoted, mut letters) = (false, pattern.chars().peekable());
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                part.push('"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted && schema.is_none() => schema = Some(std::mem::take(&mut part)),
            '*' if !quoted => part.push_str(".*"),
            '?' if !quoted => part.push('.'),
            _ if "\\.^$+*?()[]{}|".contains(letter) => part.extend(['\\', letter]),
            _ if quoted => part.push(letter),
            _ => part.extend(letter.to_lowercase()),
        }
    }
    let whole = |part: String| format!("^({part})$");
    (schema.map(whole), whole(part))
}

#[cfg(test)]
mod tests {
    use migrate_runtime::{Database, Interrupt};
    use migrate_testing::ScratchDatabase;

    use super::*;

    #[test]
    fn patterns_are_those_of_psql() {
        let of = |pattern: &str| {
            let (schema, name) = regular_expressions(pattern);
            format!("{} {name}", schema.unwrap_or_default())
        };
        assert_eq!(of("Orders"), " ^(orders)$");
        assert_eq!(of("app.o*_?"), "^(app)$ ^(o.*_.)$");
        assert_eq!(of("\"App.x\".\"O\"\"*\""), "^(App\\.x)$ ^(O\"\\*)$");
        assert_eq!(of("a$b"), " ^(a\\$b)$");
    }

    fn open(scratch: &ScratchDatabase) -> Connection {
        let database = Database::resolve(Some(scratch.url()), &|_| None).unwrap();
        Connection::open(&database, "test", &Interrupt::new()).unwrap()
    }

    fn chosen(connection: &Connection, wish: &Wish) -> String {
        match Selection::of(connection, wish) {
            Ok(selection) => selection.names().join(" "),
            Err(error) => format!("{error}"),
        }
    }

    #[test]
    fn partitions_and_what_goes_with_a_table_are_taken_in() {
        let scratch = migrate_testing::scratch().unwrap();
        let connection = open(&scratch);
        connection
            .rows(
                "preparing",
                "CREATE SCHEMA app; CREATE TABLE customers (id int PRIMARY KEY); \
                 CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE) ; \
                 CREATE TABLE items (id int, o int REFERENCES orders ON DELETE SET NULL); \
                 CREATE TABLE notes (o int REFERENCES orders); \
                 CREATE TABLE app.days (day date) PARTITION BY RANGE (day); \
                 CREATE TABLE app.d1 PARTITION OF app.days DEFAULT; \
                 CREATE TABLE app.\"Odd.name\" (x int); CREATE TEMP TABLE mine (x int)",
            )
            .unwrap();
        let tables = |patterns: &[&str]| Wish::Tables(patterns.iter().map(|one| (*one).to_owned()).collect());
        let touched = |tables: &[&str], emptied: &[&str]| {
            let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            Wish::Affected(Touched { tables: own(tables), emptied: own(emptied), ..Touched::default() })
        };
        assert_eq!(
            chosen(&connection, &Wish::Whole),
            "app.\"Odd.name\" app.d1 app.days public.customers public.items public.notes public.orders"
        );
        assert_eq!(chosen(&connection, &tables(&["app.days", "ite*"])), "app.d1 app.days public.items");
        assert_eq!(chosen(&connection, &tables(&["app.\"Odd.name\""])), "app.\"Odd.name\"");
        assert_eq!(chosen(&connection, &tables(&["nothing"])), "no table is named like `nothing`");
        assert_eq!(
            chosen(&connection, &Wish::Schemas(vec!["app".to_owned()])),
            "app.\"Odd.name\" app.d1 app.days"
        );
        // What a foreign key changes with it; `notes` refuses instead.
        let chain = "public.customers public.items public.orders";
        assert_eq!(chosen(&connection, &touched(&["customers"], &[])), chain);
        assert_eq!(
            chosen(&connection, &touched(&[], &["orders"])),
            "public.items public.notes public.orders"
        );
        assert_eq!(
            chosen(&connection, &touched(&["gone"], &[])),
            "the pending migrations change no table that is there"
        );
    }
}
