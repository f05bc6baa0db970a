//! Why a restore or a swap did not take place. The old database is as it was, whichever it is.

use migrate_runtime::{quote_identifier, quote_literal};

use super::super::room;
use crate::Exit;
use crate::render::count;

/// Why it did not take place. All but a database that could not be made whole are found before anything is changed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A pooler is in the way.
    #[error("{server} is a pooler: a new database cannot be reached through it by its name for certain")]
    Pooled {
        /// For people, without the password.
        server: String,
    },
    /// The role may not create databases.
    #[error("the role {role} may not create a database")]
    MayNotCreate {
        /// The role.
        role: String,
    },
    /// The role is no member of the owner.
    #[error("the role {role} may not make a database for {owner}, which owns {database}")]
    NotTheOwner {
        /// The role.
        role: String,
        /// The old database's owner.
        owner: String,
        /// The old database.
        database: String,
    },
    /// A name that no database can have.
    #[error("`{name}` can be no database's name: {why}")]
    BadName {
        /// As it was given.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// There is a database of this name.
    #[error("there is a database {name} already{}", what.as_ref().map_or_else(String::new, |what| format!(": {what}")))]
    Taken {
        /// The name.
        name: String,
        /// What it is, where it is ours.
        what: Option<String>,
        /// What to do.
        hint: String,
    },
    /// There is no database of this name.
    #[error("there is no database {name}")]
    NoDatabase {
        /// The name.
        name: String,
        /// Those that could be meant.
        known: Vec<String>,
    },
    /// The backup is one of another database.
    #[error("{backup} is a backup of {of}, and this is {here}")]
    AnotherDatabase {
        /// The backup's id.
        backup: String,
        /// What it is of.
        of: String,
        /// What was named.
        here: String,
        /// The newest backup that is one of that.
        own: Option<String>,
    },
    /// Only some tables were copied, or picked.
    #[error("{backup} has not the whole database{}: it cannot take its place", what)]
    NotWhole {
        /// The backup's id.
        backup: String,
        /// More about it.
        what: &'static str,
    },
    /// A plain backup is SQL that runs as a whole.
    #[error("{backup} is plain SQL, of which no tables can be picked")]
    PlainTables {
        /// The backup's id.
        backup: String,
    },
    /// A plain backup is one stream of SQL.
    #[error(
        "{backup} is plain SQL, which one session loads from its beginning to its end: --jobs can do nothing"
    )]
    PlainJobs {
        /// The backup's id.
        backup: String,
    },
    /// Tables that the backup does not have.
    #[error("{backup} has no rows of {}", missing.join(", "))]
    NoSuchTables {
        /// The backup's id.
        backup: String,
        /// As they were given.
        missing: Vec<String>,
        /// What is like them.
        near: Option<String>,
    },
    /// The database was made and not filled.
    #[error("{backup} could not be restored: {why}")]
    NotRestored {
        /// The backup's id.
        backup: String,
        /// What the program or the server said.
        why: String,
        /// The database that is left of it.
        left: Option<String>,
        /// The backup is one of a part of a database.
        part: bool,
    },
    /// What was restored is not what the manifest says.
    #[error("{backup} was restored, and is not what was backed up: {}", differences.join("; "))]
    Differs {
        /// The backup's id.
        backup: String,
        /// In what.
        differences: Vec<String>,
        /// The database that is left for a look.
        left: String,
    },
    /// Something on the server is tied to the old database.
    #[error("{database} cannot be swapped out: {}", what.join("; "))]
    Bound {
        /// The old database.
        database: String,
        /// What is tied to it.
        what: Vec<String>,
        /// What to do, one each.
        ways: Vec<String>,
    },
    /// Sessions of roles that we may not end.
    #[error("{} in {database} may not be ended by {role}: {}", count(sessions.len(), "session"), sessions.join(", "))]
    MayNotEnd {
        /// The old database.
        database: String,
        /// The role.
        role: String,
        /// Which.
        sessions: Vec<String>,
        /// One of their roles is a superuser.
        superuser: bool,
    },
    /// Sessions that did not end.
    #[error("{database} was not free for the swap: {why}")]
    Occupied {
        /// The database.
        database: String,
        /// What the server said.
        why: String,
    },
    /// Somebody else renamed or replaced one of the two meanwhile.
    #[error("{database} is not the database any more that it was when the swap began")]
    Changed {
        /// The name.
        database: String,
    },
    /// The connection broke at the very commit, and no new one could be had.
    #[error("the connection was lost while {database} was being swapped, and no new one could be had")]
    InDoubt {
        /// The name.
        database: String,
        /// The name that the old one has where the swap took place.
        kept: String,
    },
    /// Nothing that could be put back.
    #[error("no database is kept that was {database} before")]
    NothingKept {
        /// The name.
        database: String,
    },
    /// A database that is not ours to drop.
    #[error("{name} is not dropped: {why}")]
    NotDiscarded {
        /// The database.
        name: String,
        /// Why not.
        why: String,
        /// What to do.
        hint: String,
    },
}

impl Refusal {
    /// As what a verb ends with.
    pub(crate) fn stop(self) -> anyhow::Error {
        crate::Problem::Restore(self).into()
    }

    /// What it ends in: 1, for the database is as it was.
    pub fn exit(&self) -> Exit {
        match self {
            Self::BadName { .. } | Self::NoSuchTables { .. } | Self::PlainJobs { .. } => Exit::Usage,
            Self::InDoubt { .. } => Exit::Database,
            _ => Exit::Refused,
        }
    }

    /// A short name for programs, kept stable.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Pooled { .. } => "restore_pooled",
            Self::MayNotCreate { .. } => "restore_may_not_create",
            Self::NotTheOwner { .. } => "restore_not_the_owner",
            Self::BadName { .. } => "restore_bad_name",
            Self::Taken { .. } => "restore_name_taken",
            Self::NoDatabase { .. } => "restore_no_such_database",
            Self::AnotherDatabase { .. } => "restore_another_database",
            Self::NotWhole { .. } => "restore_not_whole",
            Self::PlainTables { .. } => "restore_plain_tables",
            Self::PlainJobs { .. } => "restore_plain_jobs",
            Self::NoSuchTables { .. } => "restore_no_such_tables",
            Self::NotRestored { .. } => "not_restored",
            Self::Differs { .. } => "restore_differs",
            Self::Bound { .. } => "swap_bound",
            Self::MayNotEnd { .. } => "swap_may_not_end",
            Self::Occupied { .. } => "swap_occupied",
            Self::Changed { .. } => "swap_changed",
            Self::InDoubt { .. } => "swap_in_doubt",
            Self::NothingKept { .. } => "nothing_kept",
            Self::NotDiscarded { .. } => "not_discarded",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        let discard =
            |name: &str| format!("`cargo migrate backup restore --discard {}` drops it", shell(name));
        match self {
            Self::Pooled { .. } => {
                "give --database-url the address of the server itself; applications stay on the pooler".to_owned()
            }
            Self::MayNotCreate { role } => format!(
                "let a superuser run `ALTER ROLE {} CREATEDB`, or restore as another role",
                quote_identifier(role)
            ),
            Self::NotTheOwner { role, owner, .. } => format!(
                "let a superuser run `GRANT {} TO {}`, or restore as {owner} or a superuser",
                quote_identifier(owner),
                quote_identifier(role)
            ),
            Self::BadName { .. } => "give --into a name of at most 63 bytes".to_owned(),
            Self::Taken { hint, .. } => hint.clone(),
            Self::NoDatabase { known, .. } if known.is_empty() => {
                "restore one: `cargo migrate backup restore`".to_owned()
            }
            Self::NoDatabase { known, .. } => format!("restored and not swapped in: {}", known.join(", ")),
            Self::AnotherDatabase { own: Some(own), .. } => format!(
                "the newest one of this database is {own}; --from-another-database restores the other one all the same"
            ),
            Self::AnotherDatabase { own: None, .. } => {
                "see that the right environment is named; --from-another-database restores it all the same".to_owned()
            }
            Self::NotWhole { .. } => {
                "restore without --swap, and take the rows from the new database".to_owned()
            }
            Self::PlainTables { .. } => {
                "restore the whole of it without --tables, and take the rows from the new database".to_owned()
            }
            Self::PlainJobs { .. } => {
                "leave --jobs out; a backup that is made with `--as custom` or `--as directory` is loaded by several sessions"
                    .to_owned()
            }
            Self::NoSuchTables { near: Some(near), .. } => format!("did you mean `{near}`?"),
            Self::NoSuchTables { .. } => {
                "`cargo migrate backup show` lists the tables of a backup; write `schema.table`".to_owned()
            }
            Self::NotRestored { left: None, why, .. } if room::is_full(why) => {
                "the server's disk is full, and has room for the old database alone: the database in use is as it was, and nothing \
                 is left of the new one; make room there, or restore on another server (--database-url, --from-another-database)"
                    .to_owned()
            }
            Self::NotRestored { left: None, why, part: true, .. } if why.contains("does not exist") => {
                "it is a backup of a part: what its tables need besides (types, functions, extensions) is not in it. The database \
                 in use is as it was, and nothing is left of the new one; restore a whole backup, or load the rows into tables that \
                 are there: pg_restore --data-only"
                    .to_owned()
            }
            Self::NotRestored { left: None, why, .. } if why.contains("extension") && why.contains("not available") => {
                "install the extension's package on the server, then restore again; the database in use is as it was, and nothing is \
                 left of the new one"
                    .to_owned()
            }
            Self::NotRestored { left: None, .. } => {
                "the database in use is as it was, and nothing is left of the new one: mend the cause and restore again"
                    .to_owned()
            }
            Self::NotRestored { left: Some(left), .. } => format!(
                "the database in use is as it was; what there is of the new one is {left}: {}",
                discard(left)
            ),
            Self::Differs { left, .. } => format!(
                "the database in use is as it was; look at {left}, which was not swapped in; {}\n\
                 `cargo migrate backup list` shows older backups",
                discard(left)
            ),
            Self::Bound { ways, .. } => ways.join("\n"),
            Self::MayNotEnd { role, superuser: false, .. } => format!(
                "let a superuser run `GRANT pg_signal_backend TO {}`, or stop those applications",
                quote_identifier(role)
            ),
            Self::MayNotEnd { .. } => {
                "one of them is a superuser's: end it there, or swap as a superuser".to_owned()
            }
            Self::Occupied { .. } => {
                "nothing was renamed; stop the applications that come back, and run the same command again".to_owned()
            }
            Self::Changed { .. } => {
                "nothing was renamed; see who else works on this server, and look again".to_owned()
            }
            Self::InDoubt { kept, .. } => format!(
                "it took place or it did not, in one piece: where there is a database {kept}, it did (\\l in psql)"
            ),
            Self::NothingKept { .. } => {
                "`SELECT datname FROM pg_database` lists what there is; --into NAME names a kept one".to_owned()
            }
            Self::NotDiscarded { hint, .. } => hint.clone(),
        }
    }
}

/// What is to be done about one thing that is tied to a database.
pub(super) fn drop_slot(name: &str) -> String {
    format!("stop its consumer, then: SELECT pg_drop_replication_slot({});", quote_literal(name))
}

/// A word as a shell takes it.
pub(crate) fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ',' | ':');
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One of every kind.
    pub(crate) fn all() -> Vec<Refusal> {
        let text = || "x".to_owned();
        vec![
            Refusal::Pooled { server: text() },
            Refusal::MayNotCreate { role: text() },
            Refusal::NotTheOwner { role: text(), owner: text(), database: text() },
            Refusal::BadName { name: text(), why: "it is empty" },
            Refusal::Taken { name: text(), what: None, hint: text() },
            Refusal::NoDatabase { name: text(), known: vec![] },
            Refusal::AnotherDatabase { backup: text(), of: text(), here: text(), own: None },
            Refusal::NotWhole { backup: text(), what: "" },
            Refusal::PlainTables { backup: text() },
            Refusal::NoSuchTables { backup: text(), missing: vec![text()], near: None },
            Refusal::PlainJobs { backup: text() },
            Refusal::NotRestored { backup: text(), why: text(), left: None, part: false },
            Refusal::Differs { backup: text(), differences: vec![text()], left: text() },
            Refusal::Bound { database: text(), what: vec![text()], ways: vec![text()] },
            Refusal::MayNotEnd { database: text(), role: text(), sessions: vec![text()], superuser: false },
            Refusal::Occupied { database: text(), why: text() },
            Refusal::Changed { database: text() },
            Refusal::InDoubt { database: text(), kept: text() },
            Refusal::NothingKept { database: text() },
            Refusal::NotDiscarded { name: text(), why: text(), hint: text() },
        ]
    }

    #[test]
    fn every_refusal_has_a_hint_and_a_kind_of_its_own() {
        let mut kinds = std::collections::BTreeSet::new();
        for refusal in all() {
            assert!(!refusal.hint().is_empty(), "{refusal:?}");
            assert!(kinds.insert(refusal.kind()), "{refusal:?}");
        }
    }

    #[test]
    fn words_are_quoted_for_a_shell_where_they_need_it() {
        assert_eq!(shell("shop_restored_20261121t193059z"), "shop_restored_20261121t193059z");
        assert_eq!(shell("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(shell(""), "''");
    }
}
