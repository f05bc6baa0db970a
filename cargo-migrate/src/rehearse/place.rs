//! The database of a rehearsal: on a server of our own, or on one that was given; gone at the end.

use std::path::Path;
use std::time::SystemTime;

use migrate_runtime::{Connection, Database, Error as EngineError, Interrupt, quote_identifier};
use migrate_testing::{Binaries, ScratchServer, ScratchSettings};

use super::room;
use crate::backup::Manifest;
use crate::backup::restore::create_like;
use crate::inspection::Identity;
use crate::{Problem, clock};

/// Who looks at `pg_stat_activity` sees whose it is.
const APPLICATION: &str = "rehearsal";

/// What a server of our own has otherwise than one for tests: a commit waits for the disk and memory is used as a small
/// production server would. Nothing is cleaned up on its own, so that two rehearsals of the same differ as little as can
/// be.
const SETTINGS: [(&str, &str); 6] = [
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("shared_buffers", "256MB"),
    ("maintenance_work_mem", "64MB"),
    ("max_wal_size", "1GB"),
    ("checkpoint_timeout", "5min"),
];

/// The database of a rehearsal, dropped with this value.
pub(super) struct Place {
    /// Ours, and with this value gone.
    own: Option<ScratchServer>,
    /// Another database of the server, to make and drop ours from.
    admin: Database,
    database: Database,
    name: String,
    /// `server_version_num`.
    pub(super) version: u32,
    /// Where it is, without a password.
    pub(super) server: String,
    kept: bool,
}

/// What a person should know about the server that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Remark {
    /// Earlier rehearsals left these databases there.
    LeftBehind { names: Vec<String> },
    /// It is the very server that the backup is of.
    SameServer,
}

impl Place {
    /// On a server of our own, of the version of the backup's where it can be had.
    pub(super) fn own(manifest: &Manifest, folder: Option<&Path>) -> anyhow::Result<Self> {
        let parent = room::folder(folder, room::needed(manifest.database_bytes))?;
        let wanted = Binaries::find(Some(manifest.server_version / 10_000));
        let binaries = wanted.or_else(|_| Binaries::find(None))?;
        let settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let server = ScratchServer::start(ScratchSettings {
            binaries: Some(binaries),
            settings: settings.to_vec(),
            parent: Some(parent),
            ..ScratchSettings::default()
        })?;
        // The variables of libpq mean another server.
        let admin = Database::resolve(Some(&server.url("postgres")), &|_| None)?;
        let mut place = Self::make(admin, manifest, &Interrupt::new())?;
        "a server of our own".clone_into(&mut place.server);
        place.own = Some(server);
        Ok(place)
    }

    /// On a server that was given; `keep` leaves the database there.
    pub(super) fn given(
        server: Database,
        manifest: &Manifest,
        keep: bool,
        interrupt: &Interrupt,
    ) -> anyhow::Result<(Self, Vec<Remark>)> {
        let mut remarks = Vec::new();
        let connection = Connection::open(&server, APPLICATION, interrupt)?;
        let left = connection.rows(
            "looking for databases of earlier rehearsals",
            "SELECT d.datname FROM pg_catalog.pg_database d \
             WHERE d.datname ~ '^rehearsal_[0-9]{8}t[0-9]{6}z_[0-9]+$' AND NOT EXISTS (SELECT FROM \
             pg_catalog.pg_stat_activity a WHERE a.datname = d.datname) ORDER BY 1",
        )?;
        if !left.is_empty() {
            remarks.push(Remark::LeftBehind { names: left.iter().map(|row| row.text(0)).collect() });
        }
        let identity = Identity::of(&connection)?;
        if identity.system.is_some() && identity.system == manifest.identity.system {
            remarks.push(Remark::SameServer);
        }
        drop(connection);
        let mut place = Self::make(server, manifest, interrupt)?;
        place.kept = keep;
        Ok((place, remarks))
    }

    fn make(admin: Database, manifest: &Manifest, interrupt: &Interrupt) -> anyhow::Result<Self> {
        let connection = Connection::open(&admin, APPLICATION, interrupt)?;
        let version = connection.value(
            "asking for the server's version",
            "SELECT pg_catalog.current_setting('server_version_num')",
        )?;
        let stamp = clock::stamp(SystemTime::now()).to_lowercase();
        let name = format!("rehearsal_{stamp}_{}", std::process::id());
        create_like(&connection, &name, manifest.locale.as_ref()).map_err(|error| {
            match missing_privilege(&error) {
                true => anyhow::Error::from(Problem::Usage {
                    what: format!("{} may not make a database on {admin}", admin.user()),
                    hint: "let it (ALTER ROLE … CREATEDB), name another role, or leave --server out: then a server \
                           of our own is used"
                        .to_owned(),
                }),
                false => error.into(),
            }
        })?;
        Ok(Self {
            own: None,
            database: admin.with_dbname(&name),
            server: admin.to_string(),
            admin,
            name,
            version: version.and_then(|version| version.parse().ok()).unwrap_or_default(),
            kept: false,
        })
    }

    /// To connect to it.
    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// Whether the server is thrown away with everything that was done to it.
    pub(super) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// The name of the database where it stays.
    pub(super) fn kept(&self) -> Option<&str> {
        self.kept.then_some(self.name.as_str())
    }
}

fn missing_privilege(error: &EngineError) -> bool {
    let EngineError::Server { source, .. } = error else { return false };
    source.code().is_some_and(|code| code.code() == "42501")
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.own.is_some() || self.kept {
            return;
        }
        // With an interrupt of its own: what was interrupted is cleaned up too. What cannot be dropped now is named by
        // the next rehearsal.
        if let Ok(connection) = Connection::open(&self.admin, APPLICATION, &Interrupt::new()) {
            let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote_identifier(&self.name));
            let _ = connection.rows("dropping the database of the rehearsal", &drop);
        }
    }
}
