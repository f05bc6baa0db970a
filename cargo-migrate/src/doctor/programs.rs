//! The programs that are used, what for, and what to install where one is missing. Nothing is installed for it.

use std::process::{Command, Stdio};

use migrate_testing::{Binaries, ClientPrograms};

use super::{Line, Section};
use crate::command::Call;
use crate::config::{Settings, Where};

/// `server` is the major version of the server, where it answered.
pub(super) fn look(call: &Call, settings: Option<&Settings>, server: Option<u32>) -> Vec<Line> {
    let mut section = Section::new("programs");
    let global = call.global;
    let no_project = global.dir.is_some() && global.database_url.is_some() && global.history_table.is_some();
    let cargo = call.context.env.get("CARGO").unwrap_or("cargo");
    match version(call, cargo) {
        Ok(banner) => section.ok("cargo", format!("{banner} ({cargo}): reads Cargo.toml")),
        Err(why) if no_project => section.ok("cargo", format!("{why}; not needed with these arguments")),
        Err(why) => section.fail(
            "cargo",
            format!("{cargo}: {why}; it is what Cargo.toml is read with"),
            "install Rust (https://rustup.rs), or pass --dir, --database-url and --history-table",
        ),
    }
    match version(call, "git") {
        Ok(banner) => section.ok("git", format!("{banner}: `verify --base`, `ci init`")),
        Err(why) => section.warn("git", format!("{why}; `verify --base` needs it"), "install git"),
    }
    let local = settings.is_some_and(|settings| {
        settings.database.as_ref().is_ok_and(|database| database.value == Where::Local)
    });
    const SERVER: &str = "local database, `verify`, `drift`, `rehearse`";
    match Binaries::present(server) {
        Some(found) => {
            section.ok("postgres", format!("{} in {}: {SERVER}", found.banner, found.folder.display()));
            if let Some(server) = server.filter(|server| *server != found.major) {
                section.warn(
                    "postgres",
                    format!("the database is on PostgreSQL {server}, and the programs here are of {}", found.major),
                    format!("install PostgreSQL {server} beside it, so that scratch databases are what the real one is"),
                );
            }
        }
        None => {
            let fetched = ["npm", "pip3", "pip"].into_iter().find(|client| version(call, client).is_ok());
            let what = format!("no server programs; {SERVER} need them");
            match fetched {
                Some(client) => {
                    section.warn("postgres", format!("{what}, and get them with {client}"), INSTALL)
                }
                None if local => section.fail("postgres", what, INSTALL),
                None => section.warn("postgres", what, INSTALL),
            }
        }
    }
    const CLIENTS: &str = "backups, restores, `rehearse`";
    match ClientPrograms::present(server.unwrap_or(0)) {
        Some(found) => {
            let folder = found.pg_dump.parent().unwrap_or(&found.pg_dump);
            let names = "pg_dump, pg_restore, psql";
            section.ok(names, format!("{} in {}: {CLIENTS}", found.banner, folder.display()));
        }
        None => {
            let of = server.map_or_else(String::new, |server| format!(" {server} or newer"));
            let what = format!("no pg_dump, pg_restore and psql{of}; {CLIENTS} need them");
            let remedy = match server {
                Some(server) => format!(
                    "install the client programs of PostgreSQL {server} (Debian: apt install \
                                         postgresql-client-{server}), or name their folder in MIGRATE_PG_CLIENT_BIN"
                ),
                None => INSTALL_CLIENTS.to_owned(),
            };
            // Nothing is changed there without a backup.
            if settings.is_some_and(|settings| settings.protected.value) {
                section.fail("pg_dump", what, remedy);
            } else {
                section.warn("pg_dump", what, remedy);
            }
        }
    }
    section.lines
}

const INSTALL: &str = "install PostgreSQL (Debian: apt install postgresql; macOS: brew install postgresql), or name the \
                       folder of its programs in MIGRATE_PG_BIN";

const INSTALL_CLIENTS: &str = "install PostgreSQL's client programs (Debian: apt install postgresql-client), or name their \
                               folder in MIGRATE_PG_CLIENT_BIN";

/// The first line of what it prints, or why it cannot be run.
fn version(call: &Call, program: &str) -> Result<String, String> {
    let mut command = Command::new(program);
    command.arg("--version").env("LC_ALL", "C").stdin(Stdio::null()).current_dir(&call.context.cwd);
    if let Some(path) = call.context.env.get("PATH") {
        command.env("PATH", path);
    }
    let output = command.output().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "not found".to_owned(),
        _ => error.to_string(),
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    match (output.status.success(), text.split(['\n', '\r']).next()) {
        (true, Some(line)) if !line.trim().is_empty() => Ok(line.trim().to_owned()),
        _ => Err(format!("`{program} --version` failed: {}", output.status)),
    }
}
