//! Connection URLs, read as libpq reads them (manual, "Connection URIs"; `conninfo_uri_parse_options`).
//!
//! Where libpq would take a piece of a badly encoded password for a host or a database name, we refuse: these are
//! shown to people.

use super::keyword::{Pair, find};
use super::{percent, refuse};
use crate::Error;

const HINT: &str = "write postgres://USER:PASSWORD@HOST:PORT/DATABASE; in user, password and database write @ as %40, \
                    : as %3A, / as %2F, ? as %3F and % as %25";

fn malformed(what: &str) -> Error {
    // Never the text itself: with a password that is not encoded, any part of it can be a part of the password.
    refuse(format!("the connection URL is malformed: {what}"), HINT)
}

/// What follows `postgres://`, where the text is such a URL.
pub(super) fn strip_scheme(text: &str) -> Option<&str> {
    text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"))
}

/// The parameters of a URL, without its scheme.
pub(super) fn parse(text: &str) -> Result<Vec<Pair>, Error> {
    let mut pairs = Vec::new();
    let mut push = |name: &str, value: String| -> Result<(), Error> {
        pairs.push((find(name, false)?, value));
        Ok(())
    };
    let mut rest = text;
    let mut has_credentials = false;
    // As libpq: credentials end at the first @ that comes before any slash.
    if let Some(end) = rest.find(['@', '/']).filter(|end| rest[*end..].starts_with('@')) {
        let (user, password) = match rest[..end].split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (&rest[..end], None),
        };
        if !user.is_empty() {
            push(
                "user",
                percent::decode(user).ok_or_else(|| malformed("bad percent-encoding in the user name"))?,
            )?;
        }
        if let Some(password) = password.filter(|password| !password.is_empty()) {
            push(
                "password",
                percent::decode(password).ok_or_else(|| malformed("bad percent-encoding in the password"))?,
            )?;
        }
        rest = &rest[end + 1..];
        has_credentials = true;
    }

    let (place, query) = match rest.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (rest, None),
    };
    if place.contains('@') {
        return Err(malformed("an `@` stands after the host begins"));
    }
    let (authority, dbname) = match place.split_once('/') {
        Some((authority, dbname)) => (authority, Some(dbname)),
        None => (place, None),
    };
    let (hosts, ports) = hosts(authority)?;
    if hosts.iter().any(|host| !host.is_empty()) {
        push("host", hosts.join(","))?;
    }
    if ports.iter().any(|port| !port.is_empty()) {
        push("port", ports.join(","))?;
    }
    if let Some(dbname) = dbname.filter(|dbname| !dbname.is_empty()) {
        push(
            "dbname",
            percent::decode(dbname).ok_or_else(|| malformed("bad percent-encoding in the database name"))?,
        )?;
    }

    let secret_near = !has_credentials && text.contains('@');
    let mut after_password = false;
    for parameter in query.unwrap_or_default().split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').ok_or_else(|| malformed("a parameter has no `=`"))?;
        let name = percent::decode(name).ok_or_else(|| malformed("bad percent-encoding in a parameter"))?;
        let value = percent::decode(value)
            .ok_or_else(|| malformed("bad percent-encoding in the value of a parameter"))?;
        // The JDBC spelling that libpq takes too.
        let (name, value) = if name == "ssl" && value == "true" {
            ("sslmode".to_owned(), "require".to_owned())
        } else {
            (name, value)
        };
        let keyword = find(&name, secret_near || after_password)?;
        after_password = keyword.name == "password";
        pairs.push((keyword, value));
    }
    Ok(pairs)
}

/// Hosts and ports of `host1:port1,host2:port2`; an empty port where none is given.
fn hosts(authority: &str) -> Result<(Vec<String>, Vec<String>), Error> {
    let mut hosts = Vec::new();
    let mut ports = Vec::new();
    for one in authority.split(',') {
        let (host, port) = if let Some(inner) = one.strip_prefix('[') {
            let (host, after) =
                inner.split_once(']').ok_or_else(|| malformed("an IPv6 address has no `]`"))?;
            match after.strip_prefix(':') {
                Some(port) => (host, port),
                None if after.is_empty() => (host, ""),
                None => return Err(malformed("something stands between `]` and the port")),
            }
        } else {
            one.split_once(':').unwrap_or((one, ""))
        };
        let host = percent::decode(host).ok_or_else(|| malformed("bad percent-encoding in the host"))?;
        let port = percent::decode(port).ok_or_else(|| malformed("bad percent-encoding in the port"))?;
        if !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(malformed("the port is not a number"));
        }
        hosts.push(host);
        ports.push(port);
    }
    Ok((hosts, ports))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match parse(strip_scheme(text).unwrap()) {
            Ok(pairs) => pairs
                .iter()
                .map(|(keyword, value)| format!("{}={value}", keyword.name))
                .collect::<Vec<_>>()
                .join(" "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn reads_what_libpq_reads() {
        for (url, expected) in [
            ("postgres://", ""),
            ("postgresql://localhost", "host=localhost"),
            ("postgres:///shop", "dbname=shop"),
            ("postgres://app@h:5433/shop", "user=app host=h port=5433 dbname=shop"),
            ("postgres://app:p%40s%3A%2F%25@h/shop", "user=app password=p@s:/% host=h dbname=shop"),
            ("postgres://app:a:b?c@h", "user=app password=a:b?c host=h"),
            ("postgres://:secret@h", "password=secret host=h"),
            ("postgres://h1:1,h2,h3:3/d", "host=h1,h2,h3 port=1,,3 dbname=d"),
            ("postgres://[::1]:5433,[fe80::1]/d", "host=::1,fe80::1 port=5433, dbname=d"),
            ("postgres://%2Fvar%2Frun:5433/d", "host=/var/run port=5433 dbname=d"),
            (
                "postgres:///d?host=/tmp&user=u%40x&sslmode=verify-full",
                "dbname=d host=/tmp user=u@x sslmode=verify-full",
            ),
            ("postgres://h/d?options=-c%20a%3Db&ssl=true", "host=h dbname=d options=-c a=b sslmode=require"),
            ("postgres://h/d?options=-ca=b", "host=h dbname=d options=-ca=b"),
        ] {
            assert_eq!(read(url), expected, "{url}");
        }
    }

    #[test]
    fn a_malformed_url_is_refused_without_repeating_it() {
        for url in [
            "postgres://app:Cana@ry@h/shop",
            "postgres://app:Cana/ry@h/shop",
            "postgres://app:12/Canary@h/shop",
            "postgres://app:Cana@r/Canary@h/shop",
            "postgres://app:Canary%zz@h/shop",
            "postgres://app:Canary%@h/shop",
            "postgres://app:Canary%00@h/shop",
            "postgres://h:Canary/shop",
            "postgres://app:1/x?Canary@h/shop",
            "postgres://app:1/x?Canary=y@h/shop",
            "postgres://h/shop?password=x&Canary=y",
            "postgres://[::1/shop?password=Canary",
            "postgres://[::1]Canary/shop",
        ] {
            let error = parse(strip_scheme(url).unwrap()).err().unwrap();
            assert!(!format!("{error} {error:?}").contains("Cana"), "{url}: {error:?}");
            assert!(matches!(error, Error::Settings { hint, .. } if !hint.is_empty()), "{url}");
        }
        assert_eq!(read("postgres://h/d?sslmod=x"), "`sslmod` is not a connection parameter");
    }
}
