//! The tables that the pending migrations work on, as they are on the server: which they are, how large, how old.

use migrate_core::{Direction, StatementKind};
use migrate_runtime::rehearsal::LockMode;
use migrate_runtime::{Error as EngineError, quote_literal};

use super::Situation;
use crate::lint::{Effect, Source, effects};
use crate::risk::{Book, Sizes, Touch};

/// The tables that the pending migrations work on.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    /// Those that are there, by name.
    pub(crate) tables: Vec<Table>,
    /// The statements whose tables cannot be known from their text.
    pub(crate) opaque: Vec<Opaque>,
    /// The scripts as the risk module read them, told the sizes.
    pub(crate) book: Book,
    /// Whether one of them runs `CREATE INDEX CONCURRENTLY` or a sibling: it waits for all older transactions.
    pub(crate) concurrent: bool,
}

/// A table that is there.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) oid: u32,
    /// As SQL writes it, qualified.
    pub(crate) name: String,
    /// Itself, and its partitions and children.
    pub(crate) members: Vec<u32>,
    /// Its rows, without indexes and what is stored beside them, in bytes.
    pub(crate) heap: u64,
    /// With indexes and all, in bytes.
    pub(crate) total: u64,
    /// The sizes are those of the last VACUUM or ANALYZE: somebody holds a lock that a better answer would wait for.
    pub(crate) estimated: bool,
    /// How many transactions ago its oldest row was frozen.
    pub(crate) age: Option<u64>,
    /// What is done to it, in order.
    pub(crate) by: Vec<By>,
}

/// What one statement does to a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct By {
    /// The migration.
    pub(crate) stem: String,
    pub(crate) touch: Touch,
}

/// A statement whose tables cannot be known from its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opaque {
    /// The file.
    pub(crate) file: String,
    /// Its line, from 1.
    pub(crate) line: usize,
}

impl Touched {
    pub(super) fn look(situation: &Situation<'_>) -> Result<Self, EngineError> {
        let pending = situation.pending.migrations();
        let is_pending = |stem: &str| pending.iter().any(|migration| migration.stem == stem);
        let book = Book::read(situation.set, |migration| is_pending(&migration.stem));
        let mut touched = Self::default();
        let mut all = Vec::new();
        for migration in pending {
            let touches = book.touches(&migration.stem, Direction::Up);
            all.extend(touches.into_iter().map(|touch| By { stem: migration.stem.to_string(), touch }));
            touched.concurrent |= migration
                .up
                .statements
                .iter()
                .any(|statement| matches!(statement.kind, StatementKind::Concurrent(_)));
            for parsed in &Source::parse(&migration.up, Direction::Up).statements {
                let known =
                    parsed.node.as_ref().is_some_and(|node| !effects(node).contains(&Effect::Unknown));
                if !known {
                    let at = migrate_core::sql::LineColumn::of(&migration.up.text, parsed.statement.start);
                    touched.opaque.push(Opaque { file: migration.up.file.to_string(), line: at.line });
                }
            }
        }
        if !all.is_empty() {
            touched.tables = tables(situation, all)?;
        }
        let sizes = Sizes::of(touched.tables.iter().map(|table| (table.name.as_str(), table.heap)));
        touched.book = book.with_sizes(sizes);
        Ok(touched)
    }

    /// The table that one of these relations belongs to.
    pub(crate) fn of_member(&self, oid: u32) -> Option<&Table> {
        self.tables.iter().find(|table| table.members.contains(&oid))
    }
}

impl Table {
    /// The first statement whose lock would wait for one that somebody holds.
    pub(crate) fn conflict(&self, held: LockMode) -> Option<&By> {
        self.by.iter().find(|by| by.touch.mode.conflicts(held))
    }
}

/// Finds the tables, as the search path leads to them, with the partitions and children that are locked with them.
///
/// `pg_total_relation_size` waits for whoever holds ACCESS EXCLUSIVE, and so would `pg_partition_tree`: a table that is
/// held like that is as large as the catalog has it, and partitions are found in `pg_inherits`.
fn tables(situation: &Situation<'_>, all: Vec<By>) -> Result<Vec<Table>, EngineError> {
    let mut wanted: Vec<(Option<&str>, &str)> = Vec::new();
    for by in &all {
        let name = (by.touch.schema.as_deref(), by.touch.name.as_str());
        if !wanted.contains(&name) {
            wanted.push(name);
        }
    }
    let values: Vec<_> = wanted
        .iter()
        .enumerate()
        .map(|(number, (schema, name))| {
            let schema = schema.map_or_else(|| "NULL".to_owned(), quote_literal);
            format!("({number}, {schema}, {})", quote_literal(name))
        })
        .collect();
    let path: Vec<_> = situation.path.iter().map(|schema| quote_literal(schema)).collect();
    let rows = situation.ask(
        "looking at the tables of the pending migrations",
        &format!(
            "WITH RECURSIVE wanted(n, space, name) AS (VALUES {values}), \
             found AS (SELECT DISTINCT ON (w.n) w.n, coalesce(i.indrelid, c.oid) AS oid FROM wanted w \
             JOIN pg_class c ON c.relname = w.name JOIN pg_namespace s ON s.oid = c.relnamespace \
             AND (s.nspname = w.space OR w.space IS NULL AND s.nspname NOT LIKE 'pg\\_toast%' \
             AND s.nspname NOT LIKE 'pg\\_temp%') LEFT JOIN pg_index i ON i.indexrelid = c.oid \
             ORDER BY w.n, array_position(ARRAY[{path}]::text[], s.nspname::text) NULLS LAST, s.nspname), \
             member(n, top, oid) AS (SELECT n, oid, oid FROM found \
             UNION SELECT m.n, m.top, i.inhrelid FROM member m JOIN pg_inherits i ON i.inhparent = m.oid), \
             locked AS MATERIALIZED (SELECT coalesce(i.indrelid, t.oid, l.relation) AS oid FROM pg_locks l \
             LEFT JOIN pg_index i ON i.indexrelid = l.relation LEFT JOIN pg_class t ON t.reltoastrelid = l.relation \
             WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' \
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())), \
             sized AS (SELECT m.n, m.top, c.oid, c.oid IN (SELECT oid FROM locked) AS busy, \
             c.relpages * current_setting('block_size')::int8 AS pages, \
             CASE WHEN c.relfrozenxid <> '0' THEN age(c.relfrozenxid) END AS age \
             FROM member m JOIN pg_class c ON c.oid = m.oid) \
             SELECT z.n, z.top, format('%I.%I', s.nspname, t.relname), z.oid, \
             CASE WHEN z.busy THEN z.pages ELSE pg_relation_size(z.oid) END, \
             CASE WHEN z.busy THEN z.pages ELSE pg_total_relation_size(z.oid) END, z.busy, z.age \
             FROM sized z JOIN pg_class t ON t.oid = z.top JOIN pg_namespace s ON s.oid = t.relnamespace \
             WHERE t.relkind IN ('r', 'p', 'm', 'f', 'v') ORDER BY 3, z.n, z.oid = z.top DESC, z.oid",
            values = values.join(", "),
            path = path.join(", ")
        ),
    )?;
    let mut tables: Vec<Table> = Vec::new();
    for row in &rows {
        let (Some(number), Some(oid), Some(member)) = (row.number::<usize>(0), row.number(1), row.number(3))
        else {
            continue;
        };
        let known = tables.iter().position(|table| table.oid == oid);
        let index = known.unwrap_or_else(|| {
            tables.push(Table {
                oid,
                name: row.text(2),
                members: Vec::new(),
                heap: 0,
                total: 0,
                estimated: false,
                age: None,
                by: Vec::new(),
            });
            tables.len() - 1
        });
        let table = &mut tables[index];
        if !table.members.contains(&member) {
            table.members.push(member);
            table.heap += row.number::<u64>(4).unwrap_or_default();
            table.total += row.number::<u64>(5).unwrap_or_default();
            table.estimated |= row.flag(6);
            table.age = table.age.max(row.number(7));
        }
        let Some(name) = wanted.get(number) else { continue };
        for by in &all {
            let is_this = (by.touch.schema.as_deref(), by.touch.name.as_str()) == *name;
            if is_this && !table.by.contains(by) {
                table.by.push(by.clone());
            }
        }
    }
    Ok(tables)
}
