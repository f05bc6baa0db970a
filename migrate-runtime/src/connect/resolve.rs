//! From a text and the environment to settings: text, service file, `PG*` variables, password file, defaults, in this
//! order of strength (libpq, `conninfo_add_defaults`).

use std::str::FromStr;
use std::time::Duration;

use super::database::{Database, SessionAttributes};
use super::environment;
use super::keyword::Parameters;
use super::sslmode::{SslModeSetting, TlsSettings, invalid};
use super::target::{self, Place};
use super::{Environment, keyword_text, refuse, service, url};
use crate::Error;

/// libpq waits for as long as the system's TCP does, which is minutes for a host that drops packets: too long for a
/// deployment that could tell somebody.
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Resolves settings. `os_user` is asked only where nothing names a user.
pub(super) fn resolve(
    text: Option<&str>,
    environment: Environment<'_>,
    os_user: &dyn Fn() -> Option<String>,
) -> Result<Database, Error> {
    let mut parameters = Parameters::default();
    let from_environment = environment("DATABASE_URL").filter(|url| !url.trim().is_empty());
    match (text, &from_environment) {
        (Some(text), _) => fill_from_text(&mut parameters, text, "the connection settings")?,
        (None, Some(text)) => fill_from_text(&mut parameters, text, "DATABASE_URL")?,
        (None, None) if environment::names_a_database(environment) => {}
        (None, None) => {
            return Err(refuse(
                "no database is configured",
                "set DATABASE_URL, for example postgres://user@localhost/database, or PGHOST and PGDATABASE",
            ));
        }
    }
    service::fill(&mut parameters, environment)?;
    environment::fill(&mut parameters, environment)?;
    finish(&parameters, environment, os_user)
}

fn fill_from_text(parameters: &mut Parameters, text: &str, origin: &'static str) -> Result<(), Error> {
    let text = text.trim();
    let pairs = if let Some(rest) = url::strip_scheme(text) {
        url::parse(rest)?
    } else if let Some(scheme) = foreign_scheme(text) {
        return Err(refuse(
            format!("{origin}: `{scheme}` is not PostgreSQL"),
            "a URL of a PostgreSQL database begins with postgres:// or postgresql://",
        ));
    } else if text.contains('=') {
        keyword_text::parse(text)?
    } else {
        return Err(refuse(
            format!("{origin}: neither a URL nor keyword=value text"),
            "write postgres://USER@HOST:PORT/DATABASE or `host=HOST user=USER dbname=DATABASE`",
        ));
    };
    parameters.fill_all(pairs, origin)
}

fn foreign_scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    (!scheme.is_empty()
        && scheme.len() < 20
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)))
    .then_some(scheme)
}

fn finish(
    parameters: &Parameters,
    environment: Environment<'_>,
    os_user: &dyn Fn() -> Option<String>,
) -> Result<Database, Error> {
    let text = |name: &str| parameters.get(name).map(str::to_owned);
    let user = text("user").or_else(os_user).ok_or_else(|| {
        refuse(
            "no user name is given, and the operating system does not tell one",
            "name the user in the URL or in PGUSER",
        )
    })?;
    let dbname = text("dbname").unwrap_or_else(|| user.clone());
    let (targets, password_origin) = target::targets(parameters, environment, &user, &dbname)?;
    let tls = TlsSettings::from(parameters, environment)?;
    let over_tcp = targets.iter().any(|target| matches!(target.place, Place::Tcp { .. }));
    if !cfg!(feature = "tls") && over_tcp && tls.mode >= SslModeSetting::Require {
        return Err(refuse(
            "the connection settings ask for TLS, and this program was built without it",
            "build migrate-runtime with its feature `tls`, or use a weaker sslmode where the network is trusted",
        ));
    }
    let session = match parameters.get("target_session_attrs") {
        None | Some("any") => SessionAttributes::Any,
        Some("read-write") => SessionAttributes::ReadWrite,
        Some("read-only") => SessionAttributes::ReadOnly,
        Some("primary") => SessionAttributes::Primary,
        Some("standby") => SessionAttributes::Standby,
        Some("prefer-standby") => SessionAttributes::PreferStandby,
        Some(_) => {
            return Err(invalid(
                "target_session_attrs",
                "any, read-write, read-only, primary, standby or prefer-standby",
            ));
        }
    };
    let channel_binding = match parameters.get("channel_binding") {
        None | Some("prefer") => tokio_postgres::config::ChannelBinding::Prefer,
        Some("disable") => tokio_postgres::config::ChannelBinding::Disable,
        Some("require") => tokio_postgres::config::ChannelBinding::Require,
        Some(_) => return Err(invalid("channel_binding", "disable, prefer or require")),
    };
    let shuffle = match parameters.get("load_balance_hosts") {
        None | Some("disable") => false,
        Some("random") => true,
        Some(_) => return Err(invalid("load_balance_hosts", "disable or random")),
    };
    let connect_timeout = match number::<i64>(parameters, "connect_timeout")? {
        None => Some(DEFAULT_CONNECT_TIMEOUT),
        // As libpq: none at zero and below, and never below two seconds.
        Some(seconds) => {
            u64::try_from(seconds).ok().filter(|s| *s > 0).map(|s| Duration::from_secs(s.max(2)))
        }
    };
    let positive = |name| -> Result<Option<u32>, Error> {
        Ok(number::<u32>(parameters, name)?.filter(|value| *value > 0))
    };
    Ok(Database {
        targets,
        user,
        dbname,
        options: text("options"),
        application_name: text("application_name"),
        fallback_application_name: text("fallback_application_name"),
        connect_timeout,
        tcp_user_timeout: positive("tcp_user_timeout")?
            .map(|milliseconds| Duration::from_millis(milliseconds.into())),
        keepalives: number::<i32>(parameters, "keepalives")? != Some(0),
        keepalives_idle: positive("keepalives_idle")?.map(|seconds| Duration::from_secs(seconds.into())),
        keepalives_interval: positive("keepalives_interval")?
            .map(|seconds| Duration::from_secs(seconds.into())),
        keepalives_count: positive("keepalives_count")?,
        session,
        channel_binding,
        shuffle,
        tls,
        password_origin,
    })
}

fn number<T: FromStr>(parameters: &Parameters, name: &str) -> Result<Option<T>, Error> {
    parameters
        .get(name)
        .map(|value| value.trim().parse().map_err(|_| invalid(name, "a whole number")))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text, variables, and what is to come of them.
    type Case<'a> = (Option<&'a str>, &'a [(&'a str, &'a str)], &'a str);

    /// `Ok` with the database for people, `Err` with message and hint.
    fn read(text: Option<&str>, variables: &[(&str, &str)]) -> Result<Database, String> {
        let environment = |name: &str| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
        };
        resolve(text, &environment, &|| Some("os".to_owned())).map_err(|error| match error {
            Error::Settings { message, hint } => {
                assert!(!hint.is_empty(), "{message}");
                message
            }
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn text_then_environment_then_defaults() {
        let cases: &[Case] = &[
            (Some("postgres://u@h:1/d"), &[], "postgres://u@h:1/d"),
            (Some("postgres://h"), &[], "postgres://os@h:5432/os"),
            (Some("postgres://u@h"), &[], "postgres://u@h:5432/u"),
            (
                Some("postgres://h"),
                &[("PGPORT", "7"), ("PGUSER", "v"), ("PGDATABASE", "e")],
                "postgres://v@h:7/e",
            ),
            (Some("postgres:///d"), &[("PGHOST", "g")], "postgres://os@g:5432/d"),
            (
                Some("postgres://h/d"),
                &[("DATABASE_URL", "postgres://no/no"), ("PGHOST", "no")],
                "postgres://os@h:5432/d",
            ),
            (None, &[("DATABASE_URL", "postgres://h/d"), ("PGHOST", "no")], "postgres://os@h:5432/d"),
            (None, &[("DATABASE_URL", " "), ("PGHOST", "g")], "postgres://os@g:5432/os"),
            (None, &[("PGDATABASE", "d"), ("PGHOST", "/run/pg")], "postgres://os@/d?host=/run/pg"),
            (Some("host=/run/pg port=5433 dbname='a b'"), &[], "postgres://os@/a%20b?host=/run/pg&port=5433"),
            (Some("postgres://h1:1,h2/d"), &[("PGPORT", "9")], "postgres://os@h1:1,h2:5432/d"),
            (Some("postgres://h1,h2/d"), &[("PGPORT", "9")], "postgres://os@h1:9,h2:9/d"),
            (Some("postgres://[::1]:5433/d"), &[], "postgres://os@[::1]:5433/d"),
            (Some("hostaddr=127.0.0.1 dbname=d"), &[], "postgres://os@127.0.0.1:5432/d"),
            (Some("postgres://h/d?host=other"), &[], "postgres://os@other:5432/d"),
            (Some("postgres://h%2C%2Frun/d"), &[], "postgres://os@h:5432,%2Frun:5432/d"),
        ];
        for (text, variables, expected) in cases {
            assert_eq!(read(*text, variables).unwrap().to_string(), *expected, "{text:?} {variables:?}");
        }
    }

    #[test]
    fn refusals() {
        let cases: &[Case] = &[
            (None, &[], "no database is configured"),
            (None, &[("PGUSER", "u"), ("PGPASSWORD", "p")], "no database is configured"),
            (Some("mysql://root@h/d"), &[], "the connection settings: `mysql` is not PostgreSQL"),
            (None, &[("DATABASE_URL", "shop")], "DATABASE_URL: neither a URL nor keyword=value text"),
            (
                Some("postgres://h/d"),
                &[("PGSSLCRL", "f")],
                "the connection parameter `sslcrl` is not supported (PGSSLCRL)",
            ),
            (
                Some("postgres://h:0/d"),
                &[],
                "the connection parameter `port` has a value that it cannot have",
            ),
            (Some("postgres://h:1,h2:2,h3/d?port=1,2"), &[], "2 ports and 3 hosts do not fit together"),
            (
                Some("postgres://h1,h2/d?hostaddr=::1"),
                &[],
                "2 hosts and 1 host addresses do not fit together",
            ),
            (
                Some("postgres://h/d?sslmode=on"),
                &[],
                "the connection parameter `sslmode` has a value that it cannot have",
            ),
            (
                Some("postgres://h/d?connect_timeout=soon"),
                &[],
                "the connection parameter `connect_timeout` has a value that it cannot have",
            ),
            (
                Some("postgres://h/d?sslmode=verify-full"),
                &[("HOME", "/nonexistent")],
                "sslmode verify-ca and verify-full need a root certificate, and there is none",
            ),
            (
                Some("postgres://h/d?sslmode=prefer&sslnegotiation=direct"),
                &[],
                "sslnegotiation=direct needs sslmode require, verify-ca or verify-full",
            ),
            (
                Some("postgres://h/d?sslmode=require&sslrootcert=system"),
                &[],
                "sslrootcert=system is only for sslmode=verify-full",
            ),
        ];
        for (text, variables, expected) in cases {
            assert_eq!(read(*text, variables).unwrap_err(), *expected, "{text:?} {variables:?}");
        }
    }

    #[test]
    fn without_tls_in_the_build_a_mode_that_needs_it_is_refused_over_tcp_only() {
        let tcp = read(Some("postgres://h/d?sslmode=require"), &[]);
        assert_eq!(tcp.is_ok(), cfg!(feature = "tls"), "{tcp:?}");
        read(Some("postgres:///d?host=/run/pg&sslmode=require"), &[]).unwrap();
        read(Some("postgres://h/d"), &[("PGSSLMODE", "allow")]).unwrap();
    }

    #[test]
    fn timeouts_are_libpqs_with_a_default_of_our_own() {
        for (text, expected) in [
            ("", Some(10)),
            ("?connect_timeout=0", None),
            ("?connect_timeout=-1", None),
            ("?connect_timeout=1", Some(2)),
            ("?connect_timeout=30", Some(30)),
        ] {
            let database = read(Some(&format!("postgres://h/d{text}")), &[]).unwrap();
            assert_eq!(database.connect_timeout, expected.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let text = "postgres://u:Canary%40%3A%2F%25@h/d";
        for database in [
            read(Some(text), &[]).unwrap(),
            read(Some("postgres://h/d"), &[("PGPASSWORD", "Canary@:/%")]).unwrap(),
            read(Some("host=h password='Canary@:/%'"), &[]).unwrap(),
            read(Some("postgres://h/d?password=Canary%40%3A%2F%25"), &[]).unwrap(),
        ] {
            let password = database.targets[0].password.as_ref().map(|secret| secret.0.as_str());
            assert_eq!(password, Some("Canary@:/%"));
            let shown = format!(
                "{database} {database:?} {database:#?} {:?} {}",
                database.targets,
                database.display()
            );
            assert!(!shown.contains("Canary"), "{shown}");
        }
        for text in ["postgres://u:Canary@h/d?sslmode=Canary", "postgres://u:Canary@h/d?hostaddr=Canary"] {
            assert!(!read(Some(text), &[]).unwrap_err().contains("Canary"));
        }
    }
}
