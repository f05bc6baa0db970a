//! Which database this is, whatever the address says: what a marker and a backup are bound to.

use migrate_runtime::{Connection, Error as EngineError};
use serde::{Deserialize, Serialize};

/// Which database this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// `system_identifier` of the cluster, made up by initdb; a standby has its primary's. `None` where the role may not
    /// know.
    pub(crate) system: Option<String>,
    /// The database's oid in it: another after it was dropped and made again, or swapped.
    pub(crate) oid: u32,
    /// Its name, for people.
    pub(crate) database: String,
}

impl Identity {
    /// Asks.
    pub(crate) fn of(connection: &Connection) -> Result<Self, EngineError> {
        let rows = connection.rows(
            "asking which database this is",
            "SELECT oid, datname FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()",
        )?;
        // Not in one statement: a managed server may not let everybody read the control file.
        let system = "SELECT system_identifier FROM pg_catalog.pg_control_system()";
        let system = match connection.value("asking which server this is", system) {
            Ok(system) => system,
            Err(EngineError::Server { .. }) => None,
            Err(error) => return Err(error),
        };
        let row = rows.first();
        Ok(Self {
            system,
            oid: row.and_then(|row| row.number(0)).unwrap_or_default(),
            database: row.map(|row| row.text(1)).unwrap_or_default(),
        })
    }

    /// Whether it is this very database, whatever it is called by now.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (&self.system, self.oid) == (&other.system, other.oid)
    }

    /// Whether a backup of `other` is one of this database: of the same server, and of its name, which a restore that was
    /// swapped in keeps with another oid, or of its oid, which a renamed one keeps. A marker is bound to more than that.
    pub(crate) fn is_akin(&self, other: &Self) -> bool {
        let systems = self.system.as_ref().zip(other.system.as_ref());
        systems.is_none_or(|(own, other)| own == other)
            && (self.database == other.database || self.oid == other.oid)
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (oid {}", self.database, self.oid)?;
        match &self.system {
            Some(system) => write!(f, " of system {system})"),
            None => f.write_str(")"),
        }
    }
}
