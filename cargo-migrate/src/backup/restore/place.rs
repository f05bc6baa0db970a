//! Where databases are made and renamed: a connection to another database of the same server.

use migrate_runtime::{Connection, Database, Error as EngineError, Interrupt, quote_literal};

use super::likeness::Likeness;
use super::mark::{Mark, State};
use super::{Refusal, name};
use crate::command::Call;

/// What our sessions are called.
pub(super) const APPLICATION: &str = concat!("cargo-migrate ", env!("CARGO_PKG_VERSION"), ": restore");

/// A server, seen from a database that is neither the old nor the new one.
pub(crate) struct Place {
    pub(super) admin: Connection,
    /// The database that the settings name, which need not be there.
    pub(super) old: Database,
    /// The one that we are connected to.
    pub(super) elsewhere: Database,
    /// `server_version_num`.
    pub(super) version: u32,
    pub(super) role: String,
    pub(super) superuser: bool,
    creates: bool,
}

/// A database that a restore made or replaced.
pub(crate) struct Marked {
    pub(crate) name: String,
    pub(crate) oid: u32,
    /// `None` for one that was killed before it was marked.
    pub(crate) mark: Option<Mark>,
}

impl Place {
    /// Connects, and refuses a server that is a pooler or a standby.
    pub(crate) fn reach(call: &Call, old: &Database) -> anyhow::Result<Self> {
        Self::reach_with(old, &call.context.interrupt)
    }

    /// The same; `interrupt` gives up what is done there.
    pub(super) fn reach_with(old: &Database, interrupt: &Interrupt) -> anyhow::Result<Self> {
        let mut failure = None;
        for name in ["postgres", "template1"] {
            if name == old.dbname() {
                continue;
            }
            let elsewhere = old.with_dbname(name);
            match Connection::open(&elsewhere, APPLICATION, interrupt) {
                Ok(admin) => return Self::look(admin, old.clone(), elsewhere),
                Err(error) if failure.is_none() => failure = Some(error),
                // What is wrong with the usual one is what a person wants to know.
                Err(_) => {}
            }
        }
        // Both names cannot be that of the old one.
        Err(failure.map_or_else(|| Refusal::Changed { database: old.dbname().to_owned() }.stop(), Into::into))
    }

    fn look(admin: Connection, old: Database, elsewhere: Database) -> anyhow::Result<Self> {
        let rows = admin.rows(
            "asking what may be done here",
            "SELECT pg_catalog.current_setting('server_version_num'), pg_catalog.pg_is_in_recovery(), \
             pg_catalog.current_setting('transaction_read_only'), r.rolname, r.rolsuper, r.rolcreatedb \
             FROM pg_catalog.pg_roles r WHERE r.rolname = current_user",
        )?;
        let row = rows.first();
        let flag = |column| row.is_some_and(|row| row.flag(column));
        let text = |column| row.map(|row| row.text(column)).unwrap_or_default();
        let reason = match (flag(1), text(2) == "on") {
            (true, _) => Some("it is a hot standby"),
            (false, true) => Some("default_transaction_read_only is on"),
            (false, false) => None,
        };
        if let Some(reason) = reason {
            return Err(EngineError::ReadOnly { database: old.to_string(), reason: reason.to_owned() }.into());
        }
        if admin.is_pooled()? {
            return Err(Refusal::Pooled { server: elsewhere.to_string() }.stop());
        }
        let version = row.and_then(|row| row.number(0)).unwrap_or_default();
        let (role, superuser, creates) = (text(3), flag(4), flag(5));
        Ok(Self { admin, old, elsewhere, version, role, superuser, creates })
    }

    /// Another connection beside the first.
    pub(super) fn another(&self, interrupt: &Interrupt) -> Result<Connection, EngineError> {
        Connection::open(&self.elsewhere, APPLICATION, interrupt)
    }

    /// The old database, where it is there.
    pub(crate) fn old(&self) -> Result<Option<Likeness>, EngineError> {
        self.database(self.old.dbname())
    }

    /// A database by its name.
    pub(crate) fn database(&self, name: &str) -> Result<Option<Likeness>, EngineError> {
        Likeness::of(&self.admin, name)
    }

    /// Refuses a role that may not make (or rename) a database like this one.
    pub(super) fn may_create(&self, like: Option<&Likeness>) -> anyhow::Result<()> {
        if self.superuser {
            return Ok(());
        }
        if !self.creates {
            return Err(Refusal::MayNotCreate { role: self.role.clone() }.stop());
        }
        let Some(like) = like else { return Ok(()) };
        let sql = format!("SELECT pg_catalog.pg_has_role({}, 'USAGE')", quote_literal(&like.owner));
        if self.admin.value("asking whose databases these are", &sql)?.as_deref() != Some("t") {
            let (role, owner, database) = (self.role.clone(), like.owner.clone(), like.name.clone());
            return Err(Refusal::NotTheOwner { role, owner, database }.stop());
        }
        Ok(())
    }

    /// The first of these names that no database has, and none that is being made either.
    pub(super) fn free(&self, names: impl Iterator<Item = String>) -> anyhow::Result<String> {
        let mut last = String::new();
        for name in names {
            if self.database(&name)?.is_none() && self.database(&name::unfinished(&name))?.is_none() {
                return Ok(name);
            }
            last = name;
        }
        let hint = "drop what is left of earlier ones".to_owned();
        Err(Refusal::Taken { name: last, what: None, hint }.stop())
    }

    /// Everything that restores of this database left beside it, by name.
    pub(crate) fn marked(&self) -> Result<Vec<Marked>, EngineError> {
        let rows = self.admin.rows(
            "looking for databases that restores made",
            "SELECT d.datname, d.oid, pg_catalog.shobj_description(d.oid, 'pg_database') \
             FROM pg_catalog.pg_database d ORDER BY d.datname",
        )?;
        let of_ours = |row: &migrate_runtime::connection::Row| {
            let (name, mark) = (row.text(0), Mark::of(row.get(2)));
            let ours = match &mark {
                Some(mark) => mark.of == self.old.dbname(),
                // Killed between CREATE DATABASE, which takes no transaction, and its mark.
                None => row.get(2).is_none() && name::may_be_of(&name, self.old.dbname()),
            };
            ours.then(|| Marked { name, oid: row.number(1).unwrap_or_default(), mark })
        };
        Ok(rows.iter().filter_map(of_ours).collect())
    }
}

impl Marked {
    /// How far it is.
    pub(crate) fn state(&self) -> State {
        self.mark.as_ref().map_or(State::Unfinished, |mark| mark.state)
    }
}
