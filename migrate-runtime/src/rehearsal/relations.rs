//! Relations as everybody sees them: read by a session that the script's transaction is closed to.

use std::collections::HashMap;

use super::Relation;
use crate::Error;
use crate::session::{Row, Session};

/// The first OID that is given out after a cluster was made (`FirstNormalObjectId` of transam.h): what is below is the
/// system's.
pub(super) const FIRST_OID: u32 = 16384;

/// A table, an index, a view.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// `relkind` of `pg_class`.
    pub kind: char,
    pub temporary: bool,
    /// Quoted and qualified.
    pub name: String,
    /// Where its data is; `None` for what has none.
    pub file: Option<u32>,
    /// Of an index.
    pub table: Option<u32>,
}

impl Known {
    pub fn is_index(&self) -> bool {
        matches!(self.kind, 'i' | 'I')
    }

    /// Whether it is something whose locks are told: tables of all kinds, and views. Sequences, TOAST tables and types
    /// come and go with what is told.
    pub fn is_told(&self) -> bool {
        matches!(self.kind, 'r' | 'p' | 'm' | 'f' | 'v') && !self.temporary
    }
}

/// The columns that [`read`] takes, of `pg_class` as `c` and `pg_index` as `i`. Every join is time to plan, a statement
/// each: a `regnamespace` is written as its quoted name.
pub(super) const COLUMNS: &str = "c.relkind, c.relpersistence, \
     c.relnamespace::pg_catalog.regnamespace::pg_catalog.text || '.' || pg_catalog.quote_ident(c.relname), \
     pg_catalog.pg_relation_filenode(c.oid), i.indrelid";
/// The join behind something that has `pg_class` as `c`.
pub(super) const JOIN: &str = "LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid";

/// [`COLUMNS`], from this column on. `None` where there is no such relation.
pub(super) fn read(row: Row<'_>, first: usize) -> Option<Known> {
    Some(Known {
        kind: row.get(first)?.chars().next()?,
        temporary: row.get(first + 1) == Some("t"),
        name: row.text(first + 2),
        file: row.number(first + 3),
        table: row.number(first + 4),
    })
}

/// Relations by their OID.
#[derive(Clone, Debug, Default)]
pub(super) struct Relations(pub HashMap<u32, Known>);

impl Relations {
    /// Reads these relations, the tables of those that are indexes, and all indexes of those tables.
    pub async fn of(observer: &Session, oids: &[u32]) -> Result<Self, Error> {
        let oids: Vec<_> = oids.iter().map(u32::to_string).collect();
        // By steps, each through an index: with OR the whole of pg_class would be read.
        let sql = format!(
            "WITH a (oid) AS (SELECT pg_catalog.unnest('{{{oids}}}'::pg_catalog.oid[])), \
             t (oid) AS (SELECT a.oid FROM a UNION \
             SELECT x.indrelid FROM a JOIN pg_catalog.pg_index x ON x.indexrelid = a.oid), \
             r (oid) AS (SELECT t.oid FROM t UNION SELECT a.oid FROM a UNION \
             SELECT x.indexrelid FROM t JOIN pg_catalog.pg_index x ON x.indrelid = t.oid) \
             SELECT c.oid, {COLUMNS} FROM r JOIN pg_catalog.pg_class c ON c.oid = r.oid {JOIN}",
            oids = oids.join(",")
        );
        Self::ask(observer, &sql).await
    }

    /// Reads all that are not the system's.
    pub async fn all(observer: &Session) -> Result<Self, Error> {
        let sql = format!(
            "SELECT c.oid, {COLUMNS} FROM pg_catalog.pg_class c {JOIN} \
             WHERE c.oid >= {FIRST_OID} AND c.relkind IN ('r', 'p', 'm', 'f', 'v', 'i', 'I')"
        );
        Self::ask(observer, &sql).await
    }

    async fn ask(observer: &Session, sql: &str) -> Result<Self, Error> {
        let rows = observer.ask("looking at the tables of the scratch database", sql).await?;
        Ok(Self(rows.iter().filter_map(|row| Some((row.number(0)?, read(row, 1)?))).collect()))
    }

    pub fn get(&self, oid: u32) -> Option<&Known> {
        self.0.get(&oid)
    }

    /// As it is told.
    pub fn named(&self, known: &Known, new: bool) -> Relation {
        let table = known.table.and_then(|table| self.get(table)).map(|table| table.name.clone());
        Relation { name: known.name.clone(), table, new }
    }
}
