//! Whether what was restored is what was backed up: the schema's digest and the rows of each table.

use std::collections::BTreeMap;

use migrate_runtime::{Connection, Error as EngineError};

use super::super::Manifest;

/// What was compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    /// The digest that both have; `None` where only tables were copied, or another major version prints it.
    pub(crate) digest: Option<String>,
    /// How many tables were counted.
    pub(crate) tables: usize,
    /// How many rows they have.
    pub(crate) rows: u64,
}

/// In what a database differs from a manifest; empty where it does not. `expected` are the rows of the tables that were
/// restored; `digest` is what its schema digests to, where that can be compared.
pub(super) fn compare(
    connection: &Connection,
    manifest: &Manifest,
    expected: &BTreeMap<String, u64>,
    digest: Option<String>,
) -> Result<(Compared, Vec<String>), EngineError> {
    let mut differences = Vec::new();
    let mut compared = Compared::default();
    if let (Some(before), Some(found)) = (&manifest.schema_digest, digest) {
        if *before == found {
            compared.digest = Some(found);
        } else {
            differences.push(format!("its schema digest is {found}, and was {before}"));
        }
    }
    // The names are the server's: a manifest is a file, and what stands in it is not SQL.
    let tables = connection.rows(
        "listing the restored tables",
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm') \
         AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' ORDER BY 1",
    )?;
    let mut found = BTreeMap::new();
    for table in tables.iter().map(|row| row.text(0)).filter(|table| expected.contains_key(table)) {
        let sql = format!("SELECT count(*) FROM ONLY {table}");
        let rows = connection.value("counting the restored rows", &sql)?;
        found.insert(table, rows.and_then(|rows| rows.parse().ok()).unwrap_or(0_u64));
    }
    for (table, expected) in expected {
        match found.get(table) {
            Some(rows) if rows == expected => {
                compared.tables += 1;
                compared.rows += rows;
            }
            Some(rows) => differences.push(format!("{table} has {rows} rows, and had {expected}")),
            None => differences.push(format!("{table} is not there")),
        }
    }
    Ok((compared, differences))
}
