//! The history and its audit log on the server: made, recognised, read.

use migrate_core::Row;

use crate::history_table::{quote_identifier, quote_literal};
use crate::probe::{Probe, Shape};
use crate::session::Session;
use crate::{Error, HistoryTable};

/// The tables, where they are missing. One message, one transaction; only ever sent by the holder of the runner lock.
pub(crate) fn create(history: &HistoryTable, probe: &Probe) -> Option<String> {
    let old = missing(probe);
    if probe.history.is_some() && probe.log_exists && old.is_empty() {
        return None;
    }
    let mut statements = Vec::new();
    if probe.history.is_none() && history.schema != "public" {
        // CREATE SCHEMA IF NOT EXISTS wants the privilege even where the schema exists.
        statements.push(format!("CREATE SCHEMA IF NOT EXISTS {}", quote_identifier(&history.schema)));
    }
    // A table that is there stays as it is, its comment too: it may be another tool's, and another role's.
    if probe.history.is_none() {
        let table = history.quoted();
        statements.push(format!(
            "CREATE TABLE IF NOT EXISTS {table} (version TEXT PRIMARY KEY, applied_at TIMESTAMPTZ NOT NULL \
             DEFAULT now(), checksum TEXT NOT NULL, dirty BOOLEAN NOT NULL DEFAULT false)"
        ));
        statements.push(format!(
            "COMMENT ON TABLE {table} IS 'Applied migrations (cargo migrate). One row a migration.'"
        ));
    }
    if !probe.log_exists {
        let log = history.log_quoted();
        statements.push(format!(
            "CREATE TABLE IF NOT EXISTS {log} (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
             at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(), version TEXT NOT NULL, action TEXT NOT NULL, \
             outcome TEXT NOT NULL, {})",
            MORE.map(|(name, kind)| format!("{name} {kind}")).join(", ")
        ));
        statements.push(format!("COMMENT ON TABLE {log} IS 'Audit trail of cargo migrate: append-only.'"));
    }
    if !old.is_empty() {
        let add = old.iter().map(|(name, kind)| format!("ADD COLUMN IF NOT EXISTS {name} {kind}"));
        let add: Vec<_> = add.collect();
        statements.push(format!("ALTER TABLE {} {}", history.log_quoted(), add.join(", ")));
    }
    Some(statements.join(";\n"))
}

/// What every audit log has.
const ALWAYS: [&str; 5] = ["id", "at", "version", "action", "outcome"];

/// What it has besides. A version of ours that adds one adds it here, nullable or with a default: versions before it go on
/// writing into the table.
const MORE: [(&str, &str); 14] = [
    ("statement", "INTEGER"),
    ("statements", "INTEGER"),
    ("checksum", "TEXT"),
    ("duration_ms", "DOUBLE PRECISION"),
    ("db_user", "TEXT NOT NULL DEFAULT session_user"),
    ("client", "TEXT"),
    ("tool", "TEXT"),
    ("run", "TEXT"),
    ("backend", "TEXT"),
    ("sqlstate", "TEXT"),
    ("message", "TEXT"),
    ("reason", "TEXT"),
    ("up_sql", "TEXT"),
    ("down_sql", "TEXT"),
];

/// The columns that a version before this one did not make, where the log is that old.
fn missing(probe: &Probe) -> Vec<(&'static str, &'static str)> {
    if !probe.log_exists || probe.log_columns.is_empty() {
        return Vec::new();
    }
    let has = |name: &str| probe.log_columns.iter().any(|(column, ..)| column == name);
    MORE.into_iter().filter(|(name, _)| !has(name)).collect()
}

/// Whether the audit log has to be made, or made newer, before it is written into.
pub(crate) fn is_old(probe: &Probe) -> bool {
    !probe.log_exists || !missing(probe).is_empty()
}

/// What the audit log is read from: with NULL for what an older version did not record.
pub(crate) fn log_source(history: &HistoryTable, probe: &Probe) -> String {
    let log = history.log_quoted();
    let old = missing(probe);
    if old.is_empty() {
        return log;
    }
    let nulls = old.iter().map(|(name, kind)| {
        let kind = kind.split(" NOT NULL").next().unwrap_or_default();
        format!("NULL::{kind} AS {name}")
    });
    format!("(SELECT *, {} FROM {log}) AS log", nulls.collect::<Vec<_>>().join(", "))
}

/// Refuses an audit log that cannot be written into: another tool's, or one of a version to come.
pub(crate) fn recognise_log(history: &HistoryTable, probe: &Probe) -> Result<(), Error> {
    if !probe.log_exists || probe.log_columns.is_empty() {
        return Ok(());
    }
    let table = format!("{}.{}", history.schema, history.log_name());
    if let Some(name) =
        ALWAYS.iter().find(|name| !probe.log_columns.iter().any(|(column, ..)| column == *name))
    {
        return Err(Error::ForeignTable { table, why: format!("it has no column `{name}`") });
    }
    let known = |name: &str| ALWAYS.contains(&name) || MORE.iter().any(|(column, _)| *column == name);
    match probe.log_columns.iter().find(|(name, _, must)| *must && !known(name)) {
        Some((column, ..)) => Err(Error::NewerLog { table, column: column.clone() }),
        None => Ok(()),
    }
}

/// Refuses a table of this name that is not of our shape.
pub(crate) fn recognise(history: &HistoryTable, shape: &Shape) -> Result<(), Error> {
    let foreign = |why: String| Err(Error::ForeignTable { table: history.to_string(), why });
    let has = |name: &str| shape.columns.iter().find(|(column, ..)| column == name);
    if !matches!(shape.kind.as_str(), "r" | "p") {
        let kind = match shape.kind.as_str() {
            "v" => "a view",
            "m" => "a materialised view",
            "f" => "a foreign table",
            "S" => "a sequence",
            "i" | "I" => "an index",
            _ => "not a table",
        };
        return foreign(format!("it is {kind}"));
    }
    let text = ["text", "character varying"];
    let wanted: [(&str, &[&str]); 4] = [
        ("version", &text),
        ("applied_at", &["timestamp with time zone"]),
        ("checksum", &text),
        ("dirty", &["boolean"]),
    ];
    let columns: Vec<&str> = shape.columns.iter().map(|(column, ..)| column.as_str()).collect();
    // golang-migrate and Ecto number their versions: the columns tell the tool before a type does.
    let tool = match columns.as_slice() {
        ["version"] => "; it looks like Rails' or dbmate's",
        ["version", "dirty"] => "; it looks like golang-migrate's",
        ["version", "inserted_at"] => "; it looks like Ecto's",
        _ => "",
    };
    for (name, types) in wanted {
        match has(name) {
            None => return foreign(format!("it has no column `{name}`{tool}")),
            Some((_, kind, _)) if !types.iter().any(|t| kind == t || kind.starts_with(&format!("{t}("))) => {
                return foreign(format!("its column `{name}` is `{kind}`, not `{}`{tool}", types[0]));
            }
            Some(_) => {}
        }
    }
    if let Some((column, ..)) =
        shape.columns.iter().find(|(name, _, must)| *must && !wanted.iter().any(|(known, _)| known == name))
    {
        return foreign(format!("its column `{column}` must be given a value that we do not have"));
    }
    if !shape.unique {
        return foreign("its column `version` is not unique: the primary key is gone".to_owned());
    }
    if let Some(intruder) = shape.intruders.first() {
        return foreign(format!("it has the {intruder}, which could change what is recorded"));
    }
    Ok(())
}

/// All rows, read with `row_security = off`: a policy that would hide rows is an error, not an empty history.
pub(crate) fn read_query(history: &HistoryTable) -> String {
    format!(
        "SELECT version, to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), checksum, dirty \
         FROM {}",
        history.quoted()
    )
}

/// Makes the tables where they are missing and reads the history, in one round trip. The caller holds the lock.
pub(crate) async fn prepare(
    session: &Session,
    history: &HistoryTable,
    probe: &Probe,
) -> Result<Vec<Row>, Error> {
    match create(history, probe) {
        Some(create) => {
            let sql =
                format!("BEGIN;\n{create};\nSET LOCAL row_security = off;\n{};\nCOMMIT", read_query(history));
            in_transaction(session, "creating the history table", &sql).await
        }
        None => read(session, history).await,
    }
}

/// Reads the history in one round trip.
pub(crate) async fn read(session: &Session, history: &HistoryTable) -> Result<Vec<Row>, Error> {
    let sql = format!("BEGIN READ ONLY;\nSET LOCAL row_security = off;\n{};\nCOMMIT", read_query(history));
    in_transaction(session, "reading the migration history", &sql).await
}

async fn in_transaction(session: &Session, doing: &str, sql: &str) -> Result<Vec<Row>, Error> {
    let rows = match session.query(sql).await {
        Ok(rows) => rows,
        Err(error) => {
            // Best effort: the error that is reported is the first one.
            let _ = session.query("ROLLBACK").await;
            return Err(session.failed(doing, error));
        }
    };
    Ok(rows
        .iter()
        .map(|row| Row {
            version: row.text(0),
            applied_at: row.text(1),
            checksum: row.owned(2),
            dirty: row.get(3) != Some("f"),
        })
        .collect())
}

/// The recorded texts of a migration: what an `up` put into the audit log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorded {
    pub up: Option<String>,
    pub down: Option<String>,
}

/// The texts that were in force when these versions were applied, from the audit log ([`log_source`]). Versions without are left out. An `up`
/// counts also where its text was too long to be kept: an older one's is not that which is in force.
pub(crate) async fn recorded(
    session: &Session,
    source: &str,
    versions: &[&str],
) -> Result<std::collections::HashMap<String, Recorded>, Error> {
    if versions.is_empty() {
        return Ok(Default::default());
    }
    let list = versions.iter().map(|version| quote_literal(version)).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT DISTINCT ON (version) version, up_sql, down_sql FROM {source} WHERE version IN ({list}) \
         AND (action = 'up' AND outcome = 'ok' OR action IN ('up', 'repair') AND up_sql IS NOT NULL) \
         ORDER BY version, id DESC"
    );
    let rows = session.ask("reading the audit log", &sql).await?;
    Ok(rows.iter().map(|row| (row.text(0), Recorded { up: row.owned(1), down: row.owned(2) })).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> Shape {
        let column = |name: &str, kind: &str| (name.to_owned(), kind.to_owned(), name == "version");
        Shape {
            kind: "r".to_owned(),
            columns: vec![
                column("version", "text"),
                column("applied_at", "timestamp with time zone"),
                column("checksum", "text"),
                column("dirty", "boolean"),
            ],
            intruders: vec![],
            unique: true,
        }
    }

    fn why(shape: Shape) -> String {
        match recognise(&HistoryTable::default(), &shape) {
            Err(Error::ForeignTable { why, .. }) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn our_own_shape_is_recognised() {
        recognise(&HistoryTable::default(), &ours()).unwrap();
        let mut more = ours();
        more.columns.push(("note".to_owned(), "text".to_owned(), false));
        more.columns[0].1 = "character varying(255)".to_owned();
        recognise(&HistoryTable::default(), &more).unwrap();
    }

    #[test]
    fn other_shapes_are_refused_by_name() {
        assert!(why(Shape { columns: vec![ours().columns[0].clone()], ..ours() }).contains("Rails"));
        let golang =
            vec![("version".into(), "bigint".into(), true), ("dirty".into(), "boolean".into(), true)];
        assert!(why(Shape { columns: golang, ..ours() }).contains("golang-migrate"));
        assert!(why(Shape { kind: "v".into(), ..ours() }).contains("a view"));
        assert!(why(Shape { unique: false, ..ours() }).contains("not unique"));
        assert!(why(Shape { intruders: vec!["trigger t".into()], ..ours() }).contains("trigger t"));
        let mut typed = ours();
        typed.columns[2].1 = "integer".into();
        assert!(why(typed).contains("`checksum` is `integer`"));
        let mut must = ours();
        must.columns.push(("owner".into(), "text".into(), true));
        assert!(why(must).contains("`owner`"));
    }
}
