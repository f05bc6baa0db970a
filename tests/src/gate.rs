//! A gate in a migration: it stands still there until the test lets it go on. Nothing sleeps.

use postgres::{Client, NoTls};

use crate::wait::{answer, poll_until};

/// A statement that passes an open gate at once and stands still at a closed one. The directive that belongs to it:
/// standing still is waiting for a lock.
pub const STAND: &str = "SELECT pg_advisory_xact_lock_shared(77);\n";

/// The head of a script with [`STAND`] in it.
pub const HEAD: &str = "-- migrate: lock-timeout 10min\n";

/// A closed gate. Dropped, it is open.
pub struct Gate {
    client: Client,
}

impl Gate {
    /// Closes the gate of a database.
    ///
    /// # Panics
    ///
    /// Where the database cannot be reached.
    #[track_caller]
    pub fn close(url: &str) -> Self {
        let mut client = Client::connect(url, NoTls).unwrap();
        client.batch_execute("SELECT pg_advisory_lock(77)").unwrap();
        Self { client }
    }

    /// Waits until somebody stands at it, and says which backend.
    ///
    /// # Panics
    ///
    /// After 30 seconds.
    #[track_caller]
    pub fn wait_for_somebody(&mut self) -> i32 {
        // Those of other databases are at the gates of other tests.
        let waiting = "FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted \
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        poll_until(&mut self.client, &format!("SELECT count(*) {waiting}"), "1");
        answer(&mut self.client, &format!("SELECT pid {waiting}")).parse().unwrap()
    }

    /// Its connection, to look around.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Opens it.
    pub fn open(self) {
        let Self { mut client } = self;
        // Where the server is down there is no gate any more.
        let _ = client.batch_execute("SELECT pg_advisory_unlock(77)");
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Gate")
    }
}
