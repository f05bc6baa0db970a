//! The way to the database, step by step: the name, the connection, encryption, what answers there.

use std::net::ToSocketAddrs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use migrate_core::Set;
use migrate_runtime::{Connection, Database, Error as EngineError, Event, in_one_line};
use migrate_testing::{LocalServer, LocalStatus};

use super::{Line, Section, privileges};
use crate::command::Call;
use crate::config::{Settings, Where};
use crate::health::Server;
use crate::render::words::time;

/// Looks; the major version of the server, where it answered.
pub(super) fn look(call: &Call, settings: &Settings, set: Option<Set>) -> (Option<u32>, Vec<Line>) {
    let mut section = Section::new("connection");
    let major = steps(call, settings, set, &mut section);
    (major, section.lines)
}

fn steps(call: &Call, settings: &Settings, set: Option<Set>, section: &mut Section) -> Option<u32> {
    let place = match &settings.database {
        Ok(place) => place,
        Err(problem) => {
            section.fail("database", problem.to_string(), problem.hint());
            return None;
        }
    };
    // A look starts no server.
    if let (Where::Local, Some(local)) = (&place.value, &settings.local) {
        match LocalServer::new(&local.target).status() {
            Ok(LocalStatus::Running { .. }) => {}
            Ok(LocalStatus::Stopped { major, .. }) => {
                section.ok(
                    "database",
                    format!("local, PostgreSQL {major}: stopped, and started when it is needed"),
                );
                return Some(major);
            }
            Ok(_) => {
                section.ok("database", "local: made and started when it is first needed");
                return None;
            }
            Err(error) => {
                section.fail(
                    "database",
                    format!("local: {}", in_one_line(&error)),
                    "`cargo migrate local reset` makes it anew",
                );
                return None;
            }
        }
    }
    let database = match call.database(settings) {
        Ok(database) => database,
        Err(error) => {
            let hint = error.downcast_ref::<EngineError>().map(EngineError::hint);
            let otherwise = || "see docs/configuration.md for how a database is named".to_owned();
            section.fail("database", in_one_line(error.as_ref()), hint.unwrap_or_else(otherwise));
            return None;
        }
    };
    section.ok("database", format!("{database} ({})", place.origin));
    resolve(&database, section);
    let began = Instant::now();
    let connection = match Connection::open(&database, "cargo-migrate: doctor", &call.context.interrupt) {
        Ok(connection) => connection,
        Err(error) => {
            section.fail("connect", in_one_line(&error), error.hint());
            return None;
        }
    };
    match answers(&connection, began, settings, section) {
        Ok(major) => {
            history(call, settings, set, database, section);
            if let Err(error) = privileges::look(&connection, settings, section) {
                section.warn("privileges", in_one_line(&error), error.hint());
            }
            Some(major)
        }
        Err(error) => {
            section.fail("connect", in_one_line(&error), error.hint());
            None
        }
    }
}

/// Whether the names of the servers lead anywhere. What fails here fails the connection too, which says so in its own words.
fn resolve(database: &Database, section: &mut Section) {
    let variables = database.variables();
    let of =
        |name: &str| variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| value.clone());
    let hosts = of("PGHOST").unwrap_or_default();
    for host in hosts.split(',').filter(|host| !host.is_empty() && !host.starts_with('/')) {
        match (host, 0).to_socket_addrs() {
            Ok(addresses) => {
                let mut addresses: Vec<_> = addresses.map(|address| address.ip().to_string()).collect();
                addresses.dedup();
                section.ok("name", format!("{host} is {}", addresses.join(", ")));
            }
            Err(error) => section.warn(
                "name",
                format!("{host}: {error}"),
                "see that the name is right, and that this machine can ask for names",
            ),
        }
    }
}

fn answers(
    connection: &Connection,
    began: Instant,
    settings: &Settings,
    section: &mut Section,
) -> Result<u32, EngineError> {
    let server = Server::ask(connection, began.elapsed())?;
    section.ok(
        "connect",
        format!("{} to connect, {} a round trip", time(server.connected), time(server.round_trip)),
    );
    let major = server.version / 10_000;
    let what = format!("PostgreSQL {}", server.name);
    match major {
        14..=18 => section.ok("server", what),
        13 | 19.. => section.warn("server", what, "14 to 18 are tested"),
        _ => section.fail("server", what, "PostgreSQL 13 or newer is needed (14 to 18 are tested)"),
    }
    if server.standby {
        section.warn(
            "standby",
            "it is a standby: nothing can be applied to it",
            "connect to its primary to change anything",
        );
    }
    let rows = connection.rows(
        "asking about the connection",
        "SELECT session_user, current_user, (SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()), \
         (SELECT version || ', ' || cipher FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()), \
         pg_catalog.inet_server_addr() IS NULL",
    )?;
    let Some(row) = rows.first() else { return Ok(major) };
    let (session, current) = (row.text(0), row.text(1));
    let acts = if session == current { String::new() } else { format!(", acting as {current}") };
    section.ok("user", format!("{session}{acts}"));
    match (row.flag(2), row.flag(4)) {
        (true, _) => section.ok("encryption", row.text(3)),
        (false, true) => section.ok("encryption", "none needed: a socket of this machine"),
        (false, false) if settings.protected.value => section.warn(
            "encryption",
            "the connection is not encrypted",
            "add sslmode=verify-full to the URL; only that keeps out somebody in between",
        ),
        (false, false) => section.ok("encryption", "none"),
    }
    Ok(major)
}

/// What the engine says, which has its own way to look.
fn history(call: &Call, settings: &Settings, set: Option<Set>, database: Database, section: &mut Section) {
    let pooled = Arc::new(Mutex::new(false));
    let seen = Arc::clone(&pooled);
    let set = set.unwrap_or_else(|| Set::new("", Vec::new()));
    let migrator = call.engine(settings, set, database).on_event(move |event| {
        if let Event::Connected { pooled: true, .. } = event {
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = true;
        }
    });
    let status = migrator.status();
    if *pooled.lock().unwrap_or_else(PoisonError::into_inner) {
        section.warn(
            "pooler",
            "a connection pooler stands between",
            "transaction pooling works, statement pooling does not; backups want the server itself",
        );
    }
    match status {
        Ok(status) if !status.history_exists => {
            section.ok("history", format!("{} is made by the first `up`", settings.history_table.value));
        }
        Ok(_) => section.ok("history", settings.history_table.value.to_string()),
        Err(error) => section.fail("history", in_one_line(&error), error.hint()),
    }
}
