//! What to do about each error, and each error's exit code family, in one place.

use migrate_core::Moment;

use crate::Error;
use crate::error::{Failure, ServerError};

impl Error {
    /// What to do about it, in one or two sentences. Every error has an answer.
    pub fn hint(&self) -> String {
        match self {
            Self::Settings { hint, .. } => hint.clone(),
            Self::Connect { hint, .. } => hint.clone(),
            Self::ConnectionLost { .. } => {
                "nothing was in flight: run again once the server answers".to_owned()
            }
            Self::Interfered { committed: Some(true), .. } => {
                "the server had committed it: it is applied and recorded; run again to go on".to_owned()
            }
            Self::Interfered { committed: Some(false), .. } => {
                "the server had not committed it: nothing of it is left; run again".to_owned()
            }
            Self::Interfered { committed: None, .. } => "no new connection could be had to find out whether it was \
                 committed; it is applied and recorded, or neither: look with `cargo migrate status`, then run again"
                .to_owned(),
            Self::LostWhilePartlyApplied { .. } => "run again once the server answers: the journal knows which \
                 statements are done, and the run is resumed there"
                .to_owned(),
            Self::LockLost { .. } => {
                "what was in flight is finished and recorded; run again to go on".to_owned()
            }
            Self::TouchesHistory { .. } => "nothing was run; if the file means the table of another tool, keep our \
                 history elsewhere: `history-table = \"migrate.schema_migrations\"` in the metadata, or --history-table"
                .to_owned(),
            Self::HistoryChanged { .. } => "nothing of it was applied; find out who writes to the history table \
                 (`cargo migrate history`), then run again"
                .to_owned(),
            Self::SingleTransaction { .. } => {
                "run without --single-transaction, or apply up to the migration before it first (--to)".to_owned()
            }
            Self::RecordedScript { .. } => "roll it back by hand, then take it off the history with \
                 `cargo migrate repair`"
                .to_owned(),
            Self::RepairOutdated => "nothing was changed; look at the new plan with `cargo migrate repair`".to_owned(),
            Self::ReadOnly { reason, .. } if reason.contains("default_transaction_read_only") => "somebody set it for \
                 the database, the role or the server: `cargo migrate preflight` says for which, with the statement \
                 that takes it back"
                .to_owned(),
            Self::ReadOnly { .. } => "connect to the primary: `target_session_attrs=read-write` with all hosts in the \
                 URL finds it"
                .to_owned(),
            Self::LockNotObtained { holder, .. } => match holder {
                Some(holder) => format!(
                    "see what it does with `SELECT * FROM pg_stat_activity WHERE application_name LIKE '%migrate%'`; \
                     wait longer with --lock-wait, or end it with `SELECT pg_terminate_backend({})`",
                    holder.pid
                ),
                None => "wait longer with --lock-wait".to_owned(),
            },
            Self::TableLock { blockers, .. } => match blockers.first() {
                Some(blocker) => format!(
                    "the migration was rolled back each time; let the blocker finish or end it with \
                     `SELECT pg_terminate_backend({})`, then run again",
                    blocker.pid
                ),
                None => "the migration was rolled back each time; run again when the table is quieter, or give it more \
                     time with `-- migrate: lock-timeout 30s` in the file"
                    .to_owned(),
            },
            Self::Failed { failure } | Self::RollbackFailed { failure } => failure_hint(failure),
            Self::Disproved { disproof } if disproof.applied => "compare what it changed here with what it changes on a \
                 fresh database (`cargo migrate verify`), and mend the difference with a migration or by hand"
                .to_owned(),
            Self::Disproved { .. } => "nothing of it is left; either this database is not what its migrations make \
                 (`cargo migrate drift` says where), or the record is of something else (`cargo migrate verify` says so, \
                 `verify --record` renews it)"
                .to_owned(),
            Self::CheckFailed { applied: true, .. } => "mend what the check found, with a migration or by hand; \
                 `cargo migrate postflight` runs the check again"
                .to_owned(),
            Self::CheckFailed { moment: Moment::Before, .. } => "nothing of it was run: mend what the check found, or the \
                 check where it asks the wrong thing, then run again"
                .to_owned(),
            Self::CheckFailed { .. } => "nothing of it is left: mend the migration, what the check found, or the check \
                 where it asks the wrong thing, then run again"
                .to_owned(),
            Self::NotRecorded { .. } => "nothing was run; record what each script changes with `cargo migrate verify \
                 --record` and commit migrations.lock; without the proof it runs with --no-prove"
                .to_owned(),
            Self::Dirty { invalid_indexes, .. } if !invalid_indexes.is_empty() => format!(
                "drop what was left (`DROP INDEX CONCURRENTLY {}`), mend the cause, and run `cargo migrate up` again: \
                 it resumes; `cargo migrate down` rolls it back",
                invalid_indexes.join(", ")
            ),
            Self::Dirty { .. } => "mend the cause and run `cargo migrate up` again: it resumes at the statement that \
                 failed; `cargo migrate down` rolls it back; `cargo migrate repair` changes the history only"
                .to_owned(),
            Self::Refused(refusal) => refusal.hint(),
            Self::ForeignTable { .. } => "keep our history elsewhere: `history-table = \"migrate.schema_migrations\"` \
                 in the metadata, or --history-table; the table was not touched"
                .to_owned(),
            Self::NewerLog { .. } => "update cargo-migrate, and migrate-runtime in the application, to the version that made \
                 it; nothing was changed"
                .to_owned(),
            Self::DownDiffers { .. } => "nothing was rolled back; say which one to take: --use-recorded-down or \
                 --use-file-down"
                .to_owned(),
            Self::Server { source, .. } if source.code().is_some_and(|code| code.code() == "55P03") => {
                "somebody holds a table that this reads: wait for its end; `cargo migrate preflight` shows who".to_owned()
            }
            Self::Server { source, .. } => server_hint(&source.as_db_error().map(Into::into).unwrap_or_default())
                .unwrap_or_else(|| "nothing was changed by it; the server's words above say why".to_owned()),
            Self::TooLarge { .. } => {
                "nothing was sent; split the file, or load the data from outside with COPY".to_owned()
            }
            Self::Interrupted { stem: Some(_), .. } => {
                "what was in flight was cancelled; run again to go on, or look with `cargo migrate status`".to_owned()
            }
            Self::Interrupted { stem: None, .. } => "nothing was in flight; run again to go on".to_owned(),
            Self::InsideRuntime => "use the methods that end in `_async` (feature `tokio`), or call from a \
                 thread of its own (`std::thread::spawn`; `spawn_blocking` gives one that belongs to the runtime)"
                .to_owned(),
            Self::SchemaUnfit { .. } => "apply what is pending (`cargo migrate up`); where nothing is, the database was \
                 changed by hand: `cargo migrate drift` shows how"
                .to_owned(),
            Self::NoSchemaRecorded => "record it with `cargo migrate verify --record`, commit migrations/schema.sql.snap, \
                 and build again (the first time after `touch` of the file that has `embed!`)"
                .to_owned(),
            Self::Pending { .. } => "apply them: `cargo migrate up`, or `embedded::run()` in the one process that \
                 may migrate"
                .to_owned(),
        }
    }
}

fn failure_hint(failure: &Failure) -> String {
    let rolled_back = format!("the migration was rolled back as a whole: {}", way_out(&failure.server.code));
    if failure.at_commit {
        return "a deferred constraint was checked at COMMIT; the migration was rolled back as a whole"
            .to_owned();
    }
    match server_hint(&failure.server) {
        Some(hint) => hint,
        None if failure.direction == migrate_core::Direction::Down => {
            "the roll back was undone as a whole, so the migration is still applied: mend the down file and run \
             with --use-file-down"
                .to_owned()
        }
        None => rolled_back,
    }
}

/// What most often helps a script that was refused so: it is not always the file that is wrong.
fn way_out(code: &str) -> &'static str {
    match code {
        "42P01" | "42703" | "42704" | "42883" | "3F000" => {
            "mend the file and run again; where an applied migration makes what is missing, `cargo migrate drift` shows \
             what was taken away by hand"
        }
        "42P07" | "42701" | "42710" | "42723" | "42P06" => {
            "it is there already: where no migration made it, somebody did by hand (`cargo migrate drift` shows it): take \
             it away and run again"
        }
        "23502" | "23503" | "23505" | "23514" | "23P01" => {
            "the rows that are there break it: correct them, in a migration before this one, and run again"
        }
        _ => "mend the file and run again",
    }
}

/// What "permission denied for table Some Table" and "must be owner of table t" are about, as SQL writes it: the server
/// puts it last, and unquoted.
fn object(message: &str) -> String {
    let kinds = [
        "table",
        "tablespace",
        "schema",
        "sequence",
        "database",
        "view",
        "function",
        "relation",
        "index",
        "type",
    ];
    let starts = kinds.iter().filter_map(|kind| {
        let (_, object) =
            message.split_once(&format!(" for {kind} ")).or(message.split_once(&format!(" of {kind} ")))?;
        Some(object)
    });
    let object = starts.into_iter().next().or(message.rsplit(' ').next());
    let object = object.unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '(' | ')');
    if object.chars().all(is_plain) { object.to_owned() } else { crate::quote_identifier(object) }
}

/// What an SQLSTATE asks for (PostgreSQL manual, appendix A).
fn server_hint(server: &ServerError) -> Option<String> {
    Some(match server.code.as_str() {
        "42501" => {
            let object = object(&server.message);
            if server.message.contains("row-level security") || server.message.contains("row security") {
                "connect as the owner of the table, or as a role with BYPASSRLS: what a policy hides must not count \
                 as not applied"
                    .to_owned()
            } else if server.message.contains("for schema") {
                format!("as an owner: `GRANT USAGE, CREATE ON SCHEMA {object} TO <role>`")
            } else if server.message.contains("for tablespace ") {
                format!("as a superuser: `GRANT CREATE ON TABLESPACE {object} TO <role>`")
            } else if server.message.contains("for table ") {
                format!("as an owner: `GRANT SELECT, INSERT, UPDATE, DELETE ON {object} TO <role>`")
            } else if server.message.contains("for sequence") {
                format!("as an owner: `GRANT USAGE ON SEQUENCE {object} TO <role>`")
            } else if server.message.contains("must be owner") {
                format!("run as the owner of {object}, or `ALTER … {object} OWNER TO <role>`")
            } else if server.message.contains("for database") {
                format!("as an owner: `GRANT CREATE ON DATABASE {object} TO <role>`")
            } else {
                "the role lacks a privilege: run as a role that has it, or have its owner GRANT it".to_owned()
            }
        }
        "25001" => "this statement cannot run in a transaction: put it into a migration of its own with \
             `-- migrate: no-transaction` in its head"
            .to_owned(),
        "2D000" => "a procedure or DO block commits: put it into a migration of its own with \
             `-- migrate: no-transaction` in its head"
            .to_owned(),
        "53100" => "the server's disk is full: free space there, then run again; nothing of it is left".to_owned(),
        "53200" => "the server is out of memory: run again when it is quieter; nothing of it is left".to_owned(),
        "53300" => "the server has no connection left: raise max_connections, or free some".to_owned(),
        "57014" if server.message.contains("timeout") => {
            "a statement ran longer than statement_timeout; give it more with `-- migrate: statement-timeout 10min` in \
             the file"
                .to_owned()
        }
        "55P04" => "a new enum value cannot be used in the transaction that adds it: use it in a later migration, or put \
             `-- migrate: no-transaction` in the head of this one"
            .to_owned(),
        "0A000" if server.message.contains("extension") => {
            "install the extension's files on the server (Debian: postgresql-contrib)".to_owned()
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use migrate_core::{Direction, Refusal, Version};

    use super::*;

    fn source() -> tokio_postgres::Error {
        "no_such_key=1".parse::<tokio_postgres::Config>().err().unwrap()
    }

    fn failure(code: &str, message: &str, direction: Direction) -> Box<Failure> {
        let server =
            ServerError { code: code.to_owned(), message: message.to_owned(), ..ServerError::default() };
        Box::new(Failure {
            stem: "1_a".to_owned(),
            file: "1_a.up.sql".to_owned(),
            text: "select 1".to_owned(),
            position: None,
            statement: None,
            at_commit: false,
            direction,
            server,
        })
    }

    /// One of each. A variant that is added without a hint does not compile; one that is not added here is not read.
    fn every_error() -> Vec<Error> {
        let stem = || "1_a".to_owned();
        let database = || "postgres://db/shop".to_owned();
        let waited = std::time::Duration::from_secs(1);
        let (up, down) = (Direction::Up, Direction::Down);
        let interfered =
            |committed| Error::Interfered { stem: stem(), direction: up, committed, source: source() };
        let blocker = crate::event::Session { pid: 7, ..Default::default() };
        let table_lock = |blockers| Error::TableLock {
            stem: stem(),
            direction: up,
            waited,
            attempts: 2,
            blockers,
            failure: failure("55P03", "", up),
        };
        let dirty =
            |invalid_indexes| Error::Dirty { stem: stem(), progress: None, invalid_indexes, failure: None };
        let disproved = |applied| Error::Disproved {
            disproof: Box::new(crate::error::Disproof {
                stem: stem(),
                direction: up,
                file: "1_a.up.sql".to_owned(),
                recorded: migrate_core::Checksum::of("a"),
                found: migrate_core::Checksum::of("b"),
                diff: migrate_core::schema::Diff::default(),
                applied,
            }),
        };
        vec![
            Error::Settings { message: "m".to_owned(), hint: "set DATABASE_URL to a database".to_owned() },
            Error::Connect {
                database: database(),
                hint: "is the server running there?".to_owned(),
                source: source(),
            },
            Error::ConnectionLost { database: database(), source: source() },
            interfered(Some(true)),
            interfered(Some(false)),
            interfered(None),
            Error::LostWhilePartlyApplied { stem: stem(), statement: 1, total: 2, source: source() },
            Error::LockLost { database: database() },
            Error::TouchesHistory {
                file: "1_a.up.sql".to_owned(),
                text: "DROP TABLE schema_migrations".to_owned(),
                statement: (0, 28),
                command: "DROP TABLE",
                table: "public.schema_migrations".to_owned(),
            },
            Error::HistoryChanged { stem: stem() },
            Error::SingleTransaction { stem: stem() },
            Error::RecordedScript { stem: stem(), why: "w".to_owned() },
            Error::RepairOutdated,
            Error::ReadOnly { database: database(), reason: "it is a hot standby".to_owned() },
            Error::LockNotObtained { waited, holder: Some(Box::new(blocker.clone())) },
            Error::LockNotObtained { waited, holder: None },
            table_lock(vec![blocker]),
            table_lock(vec![]),
            Error::Failed { failure: failure("22012", "division by zero", up) },
            Error::RollbackFailed { failure: failure("22012", "division by zero", down) },
            disproved(false),
            disproved(true),
            Error::NotRecorded {
                steps: vec![crate::event::PlannedStep { stem: stem(), direction: down, transactional: true }],
            },
            dirty(vec![]),
            dirty(vec!["public.i".to_owned()]),
            Error::Refused(Refusal::UnknownTarget { target: Version::new(9), nearest: None }),
            Error::ForeignTable {
                table: "public.schema_migrations".to_owned(),
                why: "it is a view".to_owned(),
            },
            Error::NewerLog { table: "public.schema_migrations_log".to_owned(), column: "x".to_owned() },
            Error::DownDiffers { stem: stem(), recorded: "a".to_owned(), found: "b".to_owned() },
            Error::Server { doing: "reading the migration history".to_owned(), source: source() },
            Error::TooLarge { stem: stem(), bytes: 1 << 30 },
            Error::Interrupted { signal: 2, stem: Some(stem()) },
            Error::Interrupted { signal: 2, stem: None },
            Error::InsideRuntime,
            Error::Pending { pending: vec![stem()] },
        ]
    }

    #[test]
    fn an_object_is_named_as_sql_writes_it() {
        for (message, named) in [
            ("permission denied for table orders", "orders"),
            ("permission denied for table Big Table \"x\"", r#""Big Table ""x""""#),
            ("must be owner of table t", "t"),
            ("permission denied for schema Über", "\"Über\""),
        ] {
            assert_eq!(object(message), named);
        }
    }

    #[test]
    fn privileges_name_the_grant() {
        let hint = |message: &str| failure_hint(&failure("42501", message, Direction::Up));
        assert!(hint("permission denied for schema shop").contains("GRANT USAGE, CREATE ON SCHEMA shop"));
        assert!(
            hint("permission denied for table orders")
                .contains("GRANT SELECT, INSERT, UPDATE, DELETE ON orders")
        );
        assert!(
            hint("permission denied for tablespace fast").contains("`GRANT CREATE ON TABLESPACE fast TO")
        );
        assert!(hint("must be owner of table orders").contains("the owner of orders"));
        assert!(
            hint("query would be affected by row-level security policy for table \"t\"")
                .contains("BYPASSRLS")
        );
    }

    #[test]
    fn every_error_says_what_to_do() {
        for error in every_error() {
            assert!(error.hint().len() > 20, "{error}");
            assert!(!error.to_string().ends_with('.'), "{error}");
        }
    }
}
