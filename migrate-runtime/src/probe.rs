//! The first question to a database, in one round trip: what it is, and whether everything is applied already.
//!
//! The answer does not grow with the number of migrations, and the question is a plain SELECT: it takes no lock,
//! works on a standby, and logs no error where the history table does not exist yet (fifty replicas starting on an
//! empty database must not fill the server's log). That is what `query_to_xml` is for: it is PostgreSQL's own way to
//! read a table that may not be there.

use migrate_core::HistoryDigest;

use crate::history_table::quote_literal;
use crate::session::{Rows, Session};
use crate::{Error, HistoryTable};

/// What a database is, and what its history digests to.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    /// `server_version_num`.
    pub server_version: u32,
    /// A connection pooler stands between: the process that works is not the one that greeted us.
    pub pooled: bool,
    /// Why nothing can be written here, if so.
    pub read_only: Option<&'static str>,
    /// Positions in errors count bytes, not characters (SQL_ASCII).
    pub positions_in_bytes: bool,
    /// `client_connection_check_interval` works here.
    pub checks_client: bool,
    /// The server may be across a network, which can lose us without a word.
    pub over_tcp: bool,
    /// The history table, where it exists.
    pub history: Option<Shape>,
    /// The audit log exists.
    pub log_exists: bool,
    /// Its columns, as in [`Shape`].
    pub log_columns: Vec<(String, String, bool)>,
    /// What the history digests to, where there is one of our shape and the server has `query_to_xml`.
    pub digest: Option<HistoryDigest>,
    /// Any row is dirty; meaningful where `digest` is there.
    pub dirty: bool,
}

/// How a history table is made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    /// `pg_class.relkind`.
    pub kind: String,
    /// name, type, whether a value must be given.
    pub columns: Vec<(String, String, bool)>,
    /// Triggers of a user's own, and rules: they could change what is recorded.
    pub intruders: Vec<String>,
    /// `version` is unique.
    pub unique: bool,
}

impl Probe {
    /// Asks.
    pub async fn ask(session: &Session, history: &HistoryTable) -> Result<Self, Error> {
        let doing = "reading the migration history";
        let rows = match session.query(&question(history, true)).await {
            // A server that was built without XML support.
            Err(error) if error.code().is_some_and(|code| code.code() == "0A000") => {
                session.ask(doing, &question(history, false)).await?
            }
            answer => answer.map_err(|error| session.failed(doing, error))?,
        };
        let over_tcp = session.database.is_over_tcp();
        let probe = Self { over_tcp, ..Self::read(&rows, session.greeted_by) };
        if probe.server_version < 130_000 {
            return Err(Error::Settings {
                message: format!("{} is PostgreSQL {}", session.database, probe.server_version / 10_000),
                hint: "PostgreSQL 13 or newer is needed (14 to 18 are tested)".to_owned(),
            });
        }
        Ok(probe)
    }

    fn read(rows: &Rows, greeted_by: Option<i32>) -> Self {
        let mut probe = Self {
            server_version: 0,
            pooled: false,
            read_only: None,
            positions_in_bytes: false,
            checks_client: false,
            over_tcp: false,
            history: None,
            log_exists: false,
            log_columns: Vec::new(),
            digest: None,
            dirty: false,
        };
        let Some(row) = rows.first() else { return probe };
        probe.server_version = row.number(0).unwrap_or(0);
        probe.pooled = greeted_by.is_some_and(|pid| row.number(1) != Some(pid));
        probe.read_only = if row.is_true(2) {
            Some("it is a hot standby")
        } else if row.get(3) == Some("on") {
            Some("default_transaction_read_only is on")
        } else {
            None
        };
        probe.positions_in_bytes = row.get(4) == Some("SQL_ASCII");
        probe.checks_client =
            probe.server_version >= 140_000 && row.get(5).is_some_and(|v| v.contains("linux"));
        probe.log_exists = row.is_true(6);
        probe.history = row.get(7).map(|kind| Shape {
            kind: kind.to_owned(),
            columns: row.get(8).unwrap_or_default().split('\n').filter_map(column).collect(),
            intruders: row
                .get(9)
                .unwrap_or_default()
                .split('\n')
                .filter(|s| !s.is_empty())
                .map(str::to_owned)
                .collect(),
            unique: row.is_true(10),
        });
        probe.log_columns = row.get(12).unwrap_or_default().split('\n').filter_map(column).collect();
        if let Some((count, dirty, digest)) = row.get(11).and_then(digest) {
            probe.dirty = dirty > 0;
            probe.digest = Some(HistoryDigest { count, digest });
        }
        probe
    }

    /// Refuses a database that nothing can be written to.
    pub fn writable(&self, session: &Session) -> Result<(), Error> {
        match self.read_only {
            Some(reason) => {
                Err(Error::ReadOnly { database: session.database.to_string(), reason: reason.to_owned() })
            }
            None => Ok(()),
        }
    }
}

/// One column of the shape: `must|type|name`, the name last because it may hold anything.
fn column(line: &str) -> Option<(String, String, bool)> {
    let mut fields = line.splitn(3, '|');
    let must = fields.next()? == "true";
    let kind = fields.next()?.to_owned();
    Some((fields.next()?.to_owned(), kind, must))
}

/// `<row …><d>COUNT:DIRTY:DIGEST</d></row>`
fn digest(xml: &str) -> Option<(usize, usize, migrate_core::Checksum)> {
    let text = xml.split_once("<d>")?.1.split_once("</d>")?.0;
    let mut fields = text.splitn(3, ':');
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// The digest over a history, as SQL that [`HistoryDigest`] computes the same way.
fn digest_query(history: &HistoryTable) -> String {
    format!(
        "SELECT count(*) || ':' || count(*) FILTER (WHERE dirty IS DISTINCT FROM false) || ':' || \
         encode(sha256(convert_to(coalesce(string_agg(version || '=' || checksum || chr(10), '' \
         ORDER BY version COLLATE \"C\"), ''), 'UTF8')), 'hex') AS d FROM {}",
        history.quoted()
    )
}

/// The columns of a table, each on a line that [`column`] reads.
fn columns(oid: &str) -> String {
    format!(
        "(SELECT string_agg((a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AND a.attgenerated = '') || '|' || \
         format_type(a.atttypid, a.atttypmod) || '|' || a.attname, chr(10) ORDER BY a.attnum) \
         FROM pg_catalog.pg_attribute a WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT a.attisdropped)"
    )
}

fn question(history: &HistoryTable, with_digest: bool) -> String {
    let digest = if with_digest {
        format!(
            "CASE WHEN c.relkind IN ('r', 'p') AND (SELECT count(*) FROM pg_catalog.pg_attribute a \
             WHERE a.attrelid = c.oid AND NOT a.attisdropped AND (a.attname = 'dirty' AND a.atttypid = 16 \
             OR a.attname IN ('version', 'checksum') AND a.atttypid IN (25, 1043))) = 3 \
             THEN pg_catalog.query_to_xml({}, false, true, '')::pg_catalog.text END",
            quote_literal(&digest_query(history))
        )
    } else {
        "NULL".to_owned()
    };
    let log = quote_literal(&history.log_quoted());
    format!(
        "SELECT current_setting('server_version_num'), pg_backend_pid(), pg_is_in_recovery(), \
         current_setting('transaction_read_only'), current_setting('server_encoding'), version(), \
         to_regclass({log}) IS NOT NULL, c.relkind, \
         {of_table}, \
         (SELECT string_agg(x, chr(10)) FROM (SELECT 'trigger ' || t.tgname FROM pg_catalog.pg_trigger t \
         WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D' \
         UNION ALL SELECT 'rule ' || r.rulename FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND c.relkind <> 'v') \
         AS i(x)), \
         EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid \
         AND a.attnum = i.indkey[0] WHERE i.indrelid = c.oid AND i.indisunique AND i.indnkeyatts = 1 \
         AND i.indpred IS NULL AND a.attname = 'version'), \
         {digest}, {of_log} \
         FROM (SELECT to_regclass({table})::oid AS oid) h LEFT JOIN pg_catalog.pg_class c ON c.oid = h.oid",
        of_table = columns("c.oid"),
        of_log = columns(&format!("to_regclass({log})")),
        table = quote_literal(&history.quoted()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_digest_out_of_its_xml() {
        let hash = "0".repeat(64);
        let xml = format!(
            "<row xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n  <d>3:1:{hash}</d>\n</row>\n"
        );
        let (count, dirty, checksum) = digest(&xml).unwrap();
        assert_eq!((count, dirty, checksum.to_string()), (3, 1, hash));
        assert_eq!(digest("<row/>"), None);
        assert_eq!(digest("<d>x:1:y</d>"), None);
    }

    #[test]
    fn a_columns_name_may_hold_anything() {
        assert_eq!(column("true|text|a|b"), Some(("a|b".to_owned(), "text".to_owned(), true)));
    }
}
