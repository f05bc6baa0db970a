//! The server: how fast it answers, what it is, and who has been in a transaction for the longest time.

use std::time::{Duration, Instant};

use migrate_core::sql::mask_text;
use migrate_runtime::event::Session;
use migrate_runtime::{Connection, Error as EngineError};

/// The server.
pub(crate) struct Server {
    /// `15.18 (Debian 15.18-1)`
    pub(crate) name: String,
    /// `server_version_num`
    pub(crate) version: u32,
    pub(crate) standby: bool,
    /// From nothing to a session.
    pub(crate) connected: Duration,
    /// The shortest of three.
    pub(crate) round_trip: Duration,
    /// The oldest transaction of another session on this database.
    pub(crate) longest: Option<Session>,
    /// Whether this role sees what others do.
    pub(crate) sees_all: bool,
}

impl Server {
    /// Asks.
    pub(crate) fn ask(connection: &Connection, connected: Duration) -> Result<Self, EngineError> {
        let mut round_trip = Duration::MAX;
        for _ in 0..3 {
            let began = Instant::now();
            connection.value("measuring a round trip", "SELECT 1")?;
            round_trip = round_trip.min(began.elapsed());
        }
        let rows = connection.rows(
            "asking what the server is",
            "SELECT pg_catalog.current_setting('server_version'), pg_catalog.current_setting('server_version_num'), \
             pg_catalog.pg_is_in_recovery(), pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')",
        )?;
        let row = rows.first();
        let others = connection.rows(
            "looking for the longest transaction",
            "SELECT pid, application_name, usename, \
             coalesce(pg_catalog.host(client_addr), CASE WHEN client_port = -1 THEN 'local' END), state, \
             extract(epoch FROM pg_catalog.clock_timestamp() - xact_start), pg_catalog.left(query, 500) \
             FROM pg_catalog.pg_stat_activity WHERE xact_start IS NOT NULL AND pid <> pg_catalog.pg_backend_pid() \
             AND datname = pg_catalog.current_database() AND backend_type = 'client backend' \
             ORDER BY xact_start LIMIT 1",
        )?;
        let longest = others.first().map(|row| {
            let present = |column: usize| row.get(column).filter(|text| !text.is_empty()).map(str::to_owned);
            let age = row.number::<f64>(5).and_then(|age| Duration::try_from_secs_f64(age.max(0.0)).ok());
            Session {
                pid: row.number(0).unwrap_or_default(),
                application: present(1).map(|name| mask_text(&name).into_owned()),
                user: present(2),
                client: present(3),
                state: present(4),
                transaction_age: age,
                query: present(6),
            }
        });
        Ok(Self {
            name: row.map(|row| row.text(0)).unwrap_or_default(),
            version: row.and_then(|row| row.number(1)).unwrap_or_default(),
            standby: row.is_some_and(|row| row.flag(2)),
            connected,
            round_trip,
            longest,
            sees_all: row.is_some_and(|row| row.flag(3)),
        })
    }
}
