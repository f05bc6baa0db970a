//! Without TLS: what a connection has, and what is said when there is none.

use std::error::Error as _;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use migrate_runtime::{Database, Error};

use crate::server::{PASSWORD, PASSWORD_IN_URL, Server, block_on, free_port, resolve};

#[test]
fn a_connection_knows_its_process_and_hands_on_notices() {
    let Some(server) = Server::start(None) else { return };
    let texts = [
        format!("postgres://anyhow@127.0.0.1:{}/postgres", server.port),
        format!(
            "host={} port={} user=anyhow dbname=postgres sslmode=verify-full sslrootcert=/nonexistent",
            server.folder.path().display(),
            server.port
        ),
        // The first server does not exist, the second has no TLS, and prefer goes on without.
        format!(
            "postgres://anyhow@127.0.0.1:{},localhost:{}/postgres?sslmode=prefer",
            free_port(),
            server.port
        ),
        format!("postgres://anyhow@127.0.0.1:{}/postgres?target_session_attrs=prefer-standby", server.port),
        format!(
            "postgres://anyhow@127.0.0.1:{}/postgres?target_session_attrs=primary&load_balance_hosts=random",
            server.port
        ),
    ];
    for text in texts {
        let database = server.database(&text);
        let notices = Arc::new(Mutex::new(Vec::new()));
        block_on(async {
            let (client, link) = database.connect("the test").await.unwrap();
            let pid = link.backend_pid();
            assert!(!link.is_encrypted());
            assert_eq!(link.parameter("default_transaction_read_only"), Some("off"));
            let seen = Arc::clone(&notices);
            let ended =
                tokio::spawn(link.run(move |notice| seen.lock().unwrap().push(notice.message().to_owned())));
            client
                .batch_execute("DO $$ BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two'; END $$")
                .await
                .unwrap();
            let row = client
                .query_one("SELECT pg_backend_pid(), current_setting('application_name')", &[])
                .await
                .unwrap();
            assert_eq!((Some(row.get(0)), row.get(1)), (pid, "the test"), "{text}");
            drop(client);
            ended.await.unwrap().unwrap();
        });
        assert_eq!(*notices.lock().unwrap(), ["one", "two"], "{text}");
    }

    // What the user set is sent, and only that.
    let database = server.database(&format!(
        "postgres://anyhow@127.0.0.1:{}/postgres?application_name=mine&options=-c%20work_mem%3D123kB",
        server.port
    ));
    block_on(async {
        let (client, link) = database.connect("the test").await.unwrap();
        tokio::spawn(link.run(|_| {}));
        let row = client
            .query_one("SELECT current_setting('application_name'), current_setting('work_mem')", &[])
            .await
            .unwrap();
        assert_eq!((row.get(0), row.get(1)), ("mine", "123kB"));
    });
}

#[test]
fn a_statement_is_cancelled() {
    let Some(server) = Server::start(None) else { return };
    cancels(&server, &server.database(&format!("postgres://anyhow@127.0.0.1:{}/postgres", server.port)));
    cancels(&server, &server.over_socket());
}

/// Cancels a statement once the server says that it runs.
pub fn cancels(server: &Server, database: &Database) {
    block_on(async {
        let (client, link) = database.connect("victim").await.unwrap();
        let pid = link.backend_pid().unwrap();
        tokio::spawn(link.run(|_| {}));
        let (watch, link) = server.over_socket().connect("watch").await.unwrap();
        tokio::spawn(link.run(|_| {}));
        let token = client.cancel_token();
        let sleep = tokio::spawn(async move { client.batch_execute("SELECT pg_sleep(600)").await });
        let sleeping =
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep')";
        let deadline = Instant::now() + Duration::from_secs(30);
        while !watch.query_one(sleeping, &[&pid]).await.unwrap().get::<_, bool>(0) {
            assert!(Instant::now() < deadline, "the statement did not start");
        }
        database.cancel(token).await.unwrap();
        let error = sleep.await.unwrap().unwrap_err();
        assert_eq!(error.code(), Some(&tokio_postgres::error::SqlState::QUERY_CANCELED));
    });
}

/// Message, causes and hint of a connection that must fail.
pub fn failure(text: &str) -> String {
    let error = match resolve(text) {
        Ok(database) => match block_on(database.connect("the test")) {
            Ok(_) => panic!("connected: {database}"),
            Err(error) => error,
        },
        Err(error) => error,
    };
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        said += &format!(": {next}");
        cause = next.source();
    }
    let (Error::Connect { hint, .. } | Error::Settings { hint, .. }) = &error else { panic!("{error:?}") };
    assert!(!hint.is_empty(), "{said}");
    let shown = format!("{said} [{hint}]");
    assert!(!format!("{shown} {error:?}").contains("Canary"), "{shown} {error:?}");
    shown
}

#[test]
fn a_failure_says_what_to_do_and_never_the_password() {
    let Some(server) = Server::start(None) else { return };
    let (port, closed) = (server.port, free_port());
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    for (text, expected) in [
        (
            format!("postgres://scram:Canary@127.0.0.1:{port}/postgres"),
            "refused the password for \"scram\", which is from the connection settings",
        ),
        (
            format!("postgres://scram@127.0.0.1:{port}/postgres"),
            "the server asks for a password: put it into ~/.pgpass",
        ),
        (format!("postgres://anyhow:Canary@127.0.0.1:{port}/none"), "createdb none"),
        (
            format!("postgres://nobody_here:Canary@127.0.0.1:{port}/postgres"),
            "check that the role \"nobody_here\" exists",
        ),
        (format!("postgres://only_tls:Canary@127.0.0.1:{port}/postgres"), "the server may want TLS here"),
        (format!("postgres://u:Canary@127.0.0.1:{closed}/d"), "nothing listens there"),
        (
            format!("postgres:///d?host=/nonexistent&password=Canary&port={port}"),
            "no server listens on this socket",
        ),
        ("postgres://u:Canary@host.invalid/d".to_owned(), "the host name is not known here"),
        (
            format!("postgres://u:Canary@127.0.0.1:{silent_port}/d?connect_timeout=2"),
            "no answer within 2 s [no answer in time",
        ),
        (
            format!("postgres://anyhow:Canary@127.0.0.1:{port}/postgres?target_session_attrs=standby"),
            "the server is not a standby [no server of the list",
        ),
        (
            format!("postgres://anyhow:Canary@127.0.0.1:{port}/postgres?target_session_attrs=read-only"),
            "no server of the list",
        ),
        (
            format!("postgres://anyhow:Canary@127.0.0.1:{port}/postgres?options=-c%20none%3D1"),
            "the server answered, and refused",
        ),
        // A server that refuses us is an answer: the next of the list is not tried.
        (
            format!("postgres://scram:Canary@127.0.0.1:{port},localhost:{closed}/postgres"),
            "refused the password",
        ),
        (format!("postgres://scram:Can@ary@127.0.0.1:{port}/postgres"), "write @ as %40"),
    ] {
        let said = failure(&text);
        assert!(said.contains(expected), "{text}: {said}");
    }
    drop(silent);
}

#[test]
fn a_password_with_every_special_character_works_from_everywhere() {
    let Some(server) = Server::start(None) else { return };
    let port = server.port;
    let home = tempfile::tempdir().unwrap();
    let passfile = home.path().join(".pgpass");
    let escaped = PASSWORD.replace('\\', "\\\\").replace(':', "\\:");
    std::fs::write(
        &passfile,
        format!("# comment\nelsewhere:*:*:*:no\n127.0.0.1:*:postgres:scram:{escaped}\n"),
    )
    .unwrap();
    std::fs::set_permissions(&passfile, std::fs::Permissions::from_mode(0o600)).unwrap();
    let quoted = PASSWORD.replace('\'', "\\'");
    let home = home.path().display().to_string();
    let nobody = "/nonexistent";
    let url = format!("postgres://scram@127.0.0.1:{port}/postgres");
    for (text, password, home) in [
        (format!("postgres://scram:{PASSWORD_IN_URL}@127.0.0.1:{port}/postgres"), None, nobody),
        (format!("host=127.0.0.1 port={port} user=scram dbname=postgres password='{quoted}'"), None, nobody),
        (url.clone(), Some(PASSWORD), nobody),
        (url, None, home.as_str()),
    ] {
        let environment = |name: &str| match name {
            "PGPASSWORD" => password.map(str::to_owned),
            "HOME" => Some(home.to_owned()),
            _ => None,
        };
        let database = Database::resolve(Some(&text), &environment).unwrap();
        assert!(!format!("{database} {database:?}").contains("Canary"));
        block_on(async { database.connect("the test").await.map(|_| ()) }).unwrap();
    }

    std::fs::set_permissions(&passfile, std::fs::Permissions::from_mode(0o640)).unwrap();
    let environment = |name: &str| (name == "HOME").then(|| home.clone());
    let database =
        Database::resolve(Some(&format!("postgres://scram@127.0.0.1:{port}/postgres")), &environment)
            .unwrap();
    let Err(Error::Connect { hint, .. }) = block_on(database.connect("the test")) else {
        panic!("connected")
    };
    assert!(hint.contains("chmod 0600") && hint.contains(".pgpass"), "{hint}");
}
