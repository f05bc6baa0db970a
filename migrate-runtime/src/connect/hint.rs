//! What to do about a connection that could not be made.

use std::error::Error as _;
use std::io::ErrorKind;

use tokio_postgres::error::SqlState;

use super::Database;
use super::database::PasswordOrigin;
use super::sslmode::SslModeSetting;
use super::target::Place;

/// What to do about `error`, which a connection to `database` ended with.
pub fn hint(error: &tokio_postgres::Error, database: &Database) -> String {
    if let Some(code) = error.code() {
        return of_server(code, error, database);
    }
    let mut causes = Vec::new();
    let mut kind = None;
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        kind = kind.or_else(|| cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind));
        next = cause.source();
    }
    let text = causes.join(": ");
    of_client(&error.to_string(), &text, kind, database)
}

fn of_server(code: &SqlState, error: &tokio_postgres::Error, database: &Database) -> String {
    let (user, dbname) = (&database.user, &database.dbname);
    let message = error.as_db_error().map(tokio_postgres::error::DbError::message).unwrap_or_default();
    if *code == SqlState::INVALID_PASSWORD {
        match &database.password_origin {
            PasswordOrigin::Given(origin) => {
                format!("the server refused the password for {user:?}, which is from {origin}")
            }
            PasswordOrigin::File(path) => {
                format!("the server refused the password for {user:?}, which is from {}", path.display())
            }
            _ => no_password(database),
        }
    } else if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
        if message.contains("no encryption") || message.contains("SSL off") {
            if cfg!(feature = "tls") {
                "the server may want TLS here: try sslmode=require, or add a line to its pg_hba.conf"
                    .to_owned()
            } else {
                "the server may want TLS here: build migrate-runtime with its feature `tls`, or add a line to the \
                 server's pg_hba.conf"
                    .to_owned()
            }
        } else if message.contains("pg_hba.conf") {
            format!(
                "add a line for user {user:?}, database {dbname:?} and this host to the server's pg_hba.conf, and reload it"
            )
        } else if message.contains("certificate") {
            "the server wants a client certificate: name it in sslcert and its key in sslkey".to_owned()
        } else {
            format!(
                "check that the role {user:?} exists, may log in, and is the one you mean (PGUSER, or user@ in the URL)"
            )
        }
    } else if *code == SqlState::INVALID_CATALOG_NAME {
        format!(
            "check the name; create the database with `createdb {}`, or as an administrator with CREATE DATABASE",
            shell_word(dbname)
        )
    } else if *code == SqlState::TOO_MANY_CONNECTIONS {
        "all connections are taken: end idle ones (pg_stat_activity), lower the size of the application's pools, or raise \
         max_connections"
            .to_owned()
    } else if *code == SqlState::CANNOT_CONNECT_NOW {
        "the server is starting, stopping or recovering: try again in a moment".to_owned()
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        format!("as its owner: GRANT CONNECT ON DATABASE … TO …, for database {dbname:?} and role {user:?}")
    } else if *code == SqlState::PROTOCOL_VIOLATION && message.contains("unsupported startup parameter") {
        "a connection pooler refused a setting of the connection: leave `options` (PGOPTIONS) out, or list it in \
         PgBouncer's ignore_startup_parameters"
            .to_owned()
    } else {
        "the server answered, and refused the connection: its log has more".to_owned()
    }
}

fn of_client(message: &str, causes: &str, kind: Option<ErrorKind>, database: &Database) -> String {
    let over_tcp = database.targets.iter().any(|target| matches!(target.place, Place::Tcp { .. }));
    if causes.contains("password missing") {
        return no_password(database);
    }
    if causes.contains("server does not support TLS") {
        return "the server has TLS switched off (`ssl = on` in postgresql.conf), and the sslmode asks for it".to_owned();
    }
    if causes.contains("channel binding") {
        return "channel_binding=require needs TLS and a password that is checked with scram-sha-256"
            .to_owned();
    }
    if causes.contains("UnsupportedCertVersion") {
        return "the server's certificate is X.509 version 1, which cannot be checked here: issue it again as version 3, with \
                a subjectAltName (`openssl x509 -extfile`), or use sslmode=require without a root certificate"
            .to_owned();
    }
    if causes.contains("UnknownIssuer") {
        return "the server's certificate is not from an authority in sslrootcert: name the right file there"
            .to_owned();
    }
    if causes.contains("NotValidForName") || causes.contains("not valid for name") {
        return "the server's certificate is for another host: connect by a name that it has, or use sslmode=verify-ca"
            .to_owned();
    }
    if causes.contains("Expired") || causes.contains("expired") {
        return "the server's certificate is not valid any more: renew it, and check this machine's clock"
            .to_owned();
    }
    if causes.contains("CertificateRequired")
        || causes.contains("BadCertificate")
        || causes.contains("UnknownCA")
    {
        return "the server wants another client certificate: see sslcert and sslkey".to_owned();
    }
    if message.contains("TLS") || causes.contains("certificate") {
        return match database.tls.mode {
            SslModeSetting::VerifyCa | SslModeSetting::VerifyFull => {
                "the server's certificate was not accepted: see sslrootcert and sslmode".to_owned()
            }
            _ => {
                "the TLS handshake failed: see the server's log, and its ssl_min_protocol_version".to_owned()
            }
        };
    }
    if causes.contains("lookup address") || causes.contains("No such host") {
        return "the host name is not known here: check its spelling, and this machine's DNS and VPN"
            .to_owned();
    }
    match kind {
        Some(ErrorKind::ConnectionRefused) if over_tcp => {
            "nothing listens there: check host and port, that the server runs, and its listen_addresses".to_owned()
        }
        Some(ErrorKind::ConnectionRefused | ErrorKind::NotFound) => {
            "no server listens on this socket: start it, or name its host or another socket folder (PGHOST)".to_owned()
        }
        Some(ErrorKind::TimedOut) => {
            "no answer in time: check host, port and firewall; connect_timeout (PGCONNECT_TIMEOUT) is the limit in seconds"
                .to_owned()
        }
        Some(ErrorKind::PermissionDenied) if causes.contains("standby") || causes.contains("writes") || causes.contains("read only") => {
            "no server of the list is what target_session_attrs asks for".to_owned()
        }
        Some(ErrorKind::PermissionDenied) => "this user may not open the server's socket: check its folder's permissions".to_owned(),
        Some(ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => {
            "there is no route to the host: check the network and the VPN".to_owned()
        }
        Some(ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe) => {
            "something closed the connection while it was made: is it a PostgreSQL server, and what does its log say?".to_owned()
        }
        _ => "check the connection settings, and the server's log".to_owned(),
    }
}

fn no_password(database: &Database) -> String {
    match &database.password_origin {
        PasswordOrigin::IgnoredFile(path, why) => {
            format!("the server asks for a password; {} was not used, because {why}", path.display())
        }
        _ => "the server asks for a password: put it into ~/.pgpass, PGPASSWORD or the URL".to_owned(),
    }
}

fn shell_word(word: &str) -> String {
    if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_test_server_says() {
        let database = Database::resolve(Some("postgres://u@h/d?sslmode=require"), &|_| None);
        let database = database.or_else(|_| Database::resolve(Some("postgres://u@h/d"), &|_| None)).unwrap();
        for (message, causes, kind, expected) in [
            (
                "error performing TLS handshake",
                "invalid peer certificate: Other(OtherError(UnsupportedCertVersion))",
                None,
                "X.509 version 1",
            ),
            (
                "error performing TLS handshake",
                "received fatal alert: ProtocolVersion",
                None,
                "ssl_min_protocol_version",
            ),
            (
                "error connecting to server",
                "Network is unreachable",
                Some(ErrorKind::NetworkUnreachable),
                "no route",
            ),
            (
                "error communicating with the server",
                "reset",
                Some(ErrorKind::ConnectionReset),
                "something closed the connection",
            ),
            (
                "error connecting to server",
                "Permission denied",
                Some(ErrorKind::PermissionDenied),
                "may not open the server's socket",
            ),
            ("invalid configuration", "", None, "check the connection settings"),
        ] {
            let found = of_client(message, causes, kind, &database);
            assert!(found.contains(expected), "{causes}: {found}");
        }
    }

    #[test]
    fn a_shell_takes_the_name_as_it_is() {
        assert_eq!(shell_word("shop_1"), "shop_1");
        assert_eq!(shell_word("o'shop; x"), r"'o'\''shop; x'");
    }
}
