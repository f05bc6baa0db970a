//! A data folder: made by initdb once, copied after that.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::{Binaries, Error, PostmasterFile, Result, ServerUser, cache, process};

/// The superuser of every server here. Authentication is `trust`: whoever can enter the socket's folder is in.
pub(crate) const SUPERUSER: &str = "postgres";

/// How long a server may take to start or stop: with a cold cache and a busy machine that is far from a second.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Raised when the arguments of initdb change, so that an old cached cluster is not taken.
const TEMPLATE: u32 = 1;

/// Makes a fresh cluster. The locale is C and the encoding UTF8 everywhere: a schema then sorts and prints the same
/// on each machine, with each version, and a collation that matters is written in the schema.
pub(crate) fn initdb(user: &ServerUser, binaries: &Binaries, data: &Path) -> Result<()> {
    let mut command = Command::new(binaries.program("initdb")?);
    command.args([
        "--no-sync",
        "--encoding=UTF8",
        "--locale=C",
        "--auth=trust",
        "--username",
        SUPERUSER,
        "-D",
    ]);
    process::finish(user.prepare(command.arg(data))).map(drop)
}

/// A fresh cluster at `data`, copied from the user's cache, where the first call of each version puts one. initdb takes
/// 0.5 to 0.9 s, the copy a tenth of that. For [`ScratchServer::prepare`](crate::ScratchServer::prepare).
///
/// # Errors
///
/// [`Error::Program`] with what initdb said.
pub fn fresh(user: &ServerUser, binaries: &Binaries, data: &Path) -> Result<()> {
    let template = match template(user, binaries) {
        Ok(template) => template,
        // A cache that cannot be written costs time, nothing else.
        Err(Error::Io { .. }) => return initdb(user, binaries, data),
        Err(error) => return Err(error),
    };
    process::run(user, Path::new("cp"), &["-Rp".as_ref(), template.as_os_str(), data.as_os_str()]).map(drop)
}

/// The cached cluster of these binaries.
fn template(user: &ServerUser, binaries: &Binaries) -> Result<PathBuf> {
    let folder = cache::folder("clusters")?;
    let key = format!("{}\n{}\n{}\n{TEMPLATE}", binaries.folder.display(), binaries.banner, user.uid());
    let target = folder.join(format!("{}-{:016x}", binaries.major, cache::hash(key.as_bytes())));
    if target.join("PG_VERSION").is_file() {
        return Ok(target);
    }
    // Made beside its place and renamed: a killed or a second process leaves nothing half made under the final name.
    let staging = tempfile::Builder::new()
        .prefix(".initdb-")
        .tempdir_in(&folder)
        .map_err(Error::io("create a folder in", &folder))?;
    user.own(staging.path())?;
    let data = staging.path().join("data");
    initdb(user, binaries, &data)?;
    match std::fs::rename(&data, &target) {
        Ok(()) => Ok(target),
        Err(_) if target.join("PG_VERSION").is_file() => Ok(target),
        Err(error) => Err(Error::io("create", &target)(error)),
    }
}

/// The arguments of `postgres` for a server on a socket in `sockets`.
pub(crate) fn arguments(data: &Path, sockets: &Path, port: u16) -> Result<Vec<std::ffi::OsString>> {
    cache::check_socket_folder(sockets)?;
    let mut arguments = vec!["-D".into(), data.as_os_str().to_owned(), "-p".into(), port.to_string().into()];
    // The setting is a list of names: quotes keep a comma or a blank in the path from ending one.
    let sockets = sockets.display().to_string().replace('"', "\"\"");
    for setting in [
        format!("unix_socket_directories=\"{sockets}\""),
        "unix_socket_permissions=0700".to_owned(),
        "listen_addresses=".to_owned(),
        "logging_collector=off".to_owned(),
        "log_destination=stderr".to_owned(),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
    ] {
        arguments.extend(["-c".into(), setting.into()]);
    }
    Ok(arguments)
}

/// Waits until the server in `data`, which is `child` or a child of it, takes connections.
pub(crate) fn wait_ready(child: &mut Child, data: &Path, log: &Path) -> Result<PostmasterFile> {
    let failed = |reason: String| Error::Start { reason, log: log.to_owned(), tail: process::log_tail(log) };
    let ready = process::poll(PATIENCE, || {
        if let Some(file) = PostmasterFile::read(data).filter(|file| file.ready && file.listens()) {
            return Ok(Some(file));
        }
        match child.try_wait() {
            Ok(Some(status)) => Err(failed(format!("it ended with {status}"))),
            Ok(None) => Ok(None),
            Err(error) => Err(failed(error.to_string())),
        }
    })?;
    ready.ok_or_else(|| failed(format!("it was not ready after {} s", PATIENCE.as_secs())))
}

/// Stops a postmaster and waits until it is gone: SIGINT is the fast, SIGQUIT the immediate shutdown.
pub(crate) fn stop(data: &Path, pid: i32, how: Signal) -> Result<()> {
    process::signal(pid, how);
    // Its own file goes last; a zombie of ours still answers to its number.
    let gone = || {
        Ok((PostmasterFile::read(data).is_none_or(|file| file.pid != pid) || !process::alive(pid))
            .then_some(()))
    };
    process::poll(PATIENCE, gone)?.ok_or(Error::Stop { pid, seconds: PATIENCE.as_secs() })
}

/// Runs a statement as the superuser.
pub(crate) fn execute(url: &str, doing: &str, statement: &str) -> Result<()> {
    on_thread(url, doing, |client| client.batch_execute(statement))
}

/// Runs a query of one number as the superuser.
pub(crate) fn query(
    url: &str,
    sql: &str,
    parameters: &[&(dyn postgres::types::ToSql + Sync)],
) -> Result<i64> {
    on_thread(url, "read the catalog", |client| client.query_one(sql, parameters)?.try_get(0))
}

/// Connects on a thread of its own: the blocking client must not be used on one that drives a tokio runtime, and a
/// caller may be on such a one.
fn on_thread<T: Send>(
    url: &str,
    doing: &str,
    work: impl FnOnce(&mut postgres::Client) -> Result<T, postgres::Error> + Send,
) -> Result<T> {
    let connect = || postgres::Client::connect(url, postgres::NoTls).and_then(|mut client| work(&mut client));
    let result = std::thread::scope(|scope| scope.spawn(connect).join());
    match result {
        Ok(result) => result.map_err(|source| Error::Database { doing: doing.to_owned(), source }),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// A name as SQL writes it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// No terminal, no pipe of ours: a server must not keep the caller's output open.
pub(crate) fn detach(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_folder_with_a_long_name_is_refused_before_the_server_is_started() {
        let long = PathBuf::from("/tmp").join("x".repeat(100));
        let error = arguments(Path::new("/data"), &long, 5432).unwrap_err();
        assert!(error.to_string().contains("too long"), "{error}");
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted(r#"a"b"#), r#""a""b""#);
    }
}
