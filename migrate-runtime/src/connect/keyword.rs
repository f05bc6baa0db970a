//! The connection parameters that libpq has (manual, "Parameter Key Words"), and which of them we take.

use std::collections::BTreeMap;

use super::refuse;
use crate::Error;

/// Whether we take a parameter.
#[derive(Clone, Copy)]
pub(super) enum Support {
    /// Every value.
    Full,
    /// These values: those that describe what we do anyway.
    Only(&'static [&'static str]),
    /// None. Refused rather than ignored: several of them are restrictions that the user relies on.
    None,
}

/// A connection parameter.
pub(super) struct Keyword {
    pub(super) name: &'static str,
    pub(super) variable: Option<&'static str>,
    pub(super) support: Support,
}

const fn full(name: &'static str, variable: Option<&'static str>) -> Keyword {
    Keyword { name, variable, support: Support::Full }
}

const fn none(name: &'static str, variable: Option<&'static str>) -> Keyword {
    Keyword { name, variable, support: Support::None }
}

const fn only(
    name: &'static str,
    variable: Option<&'static str>,
    values: &'static [&'static str],
) -> Keyword {
    Keyword { name, variable, support: Support::Only(values) }
}

/// All of them, with the variable of the environment that stands in. `PGCLIENTENCODING` and the Kerberos variables are
/// left out on purpose: they say how psql talks, and have no effect on what we do.
pub(super) const KEYWORDS: &[Keyword] = &[
    full("service", Some("PGSERVICE")),
    full("servicefile", Some("PGSERVICEFILE")),
    full("host", Some("PGHOST")),
    full("hostaddr", Some("PGHOSTADDR")),
    full("port", Some("PGPORT")),
    full("dbname", Some("PGDATABASE")),
    full("user", Some("PGUSER")),
    full("password", Some("PGPASSWORD")),
    full("passfile", Some("PGPASSFILE")),
    full("options", Some("PGOPTIONS")),
    full("application_name", Some("PGAPPNAME")),
    full("fallback_application_name", None),
    full("connect_timeout", Some("PGCONNECT_TIMEOUT")),
    full("keepalives", None),
    full("keepalives_idle", None),
    full("keepalives_interval", None),
    full("keepalives_count", None),
    full("tcp_user_timeout", None),
    full("target_session_attrs", Some("PGTARGETSESSIONATTRS")),
    full("load_balance_hosts", Some("PGLOADBALANCEHOSTS")),
    full("channel_binding", Some("PGCHANNELBINDING")),
    full("sslmode", Some("PGSSLMODE")),
    full("sslnegotiation", Some("PGSSLNEGOTIATION")),
    full("sslrootcert", Some("PGSSLROOTCERT")),
    full("sslcert", Some("PGSSLCERT")),
    full("sslkey", Some("PGSSLKEY")),
    full("sslsni", Some("PGSSLSNI")),
    full("ssl_min_protocol_version", Some("PGSSLMINPROTOCOLVERSION")),
    full("ssl_max_protocol_version", Some("PGSSLMAXPROTOCOLVERSION")),
    only("sslcompression", Some("PGSSLCOMPRESSION"), &["0"]),
    only("gssencmode", Some("PGGSSENCMODE"), &["disable", "prefer"]),
    only("client_encoding", None, &["UTF8", "utf8", "UTF-8", "utf-8", "auto"]),
    only("replication", None, &["false", "off", "no", "0"]),
    none("require_auth", Some("PGREQUIREAUTH")),
    none("requirepeer", Some("PGREQUIREPEER")),
    none("sslcertmode", Some("PGSSLCERTMODE")),
    none("sslcrl", Some("PGSSLCRL")),
    none("sslcrldir", Some("PGSSLCRLDIR")),
    none("sslpassword", None),
    none("krbsrvname", None),
    none("gsslib", None),
    none("gssdelegation", None),
    none("min_protocol_version", None),
    none("max_protocol_version", None),
];

/// Parameters with their values, in the order of strength: what is set first stays.
#[derive(Default)]
pub(super) struct Parameters {
    values: BTreeMap<&'static str, String>,
    /// Where the password is from, for the hint about a refused one.
    pub(super) password_origin: Option<&'static str>,
}

impl Parameters {
    /// The value, where it is set and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Sets a parameter that no stronger source has set. `origin` is for people: `PGHOST`, `the connection URL`.
    pub(super) fn fill(
        &mut self,
        keyword: &Keyword,
        value: String,
        origin: &'static str,
    ) -> Result<(), Error> {
        let name = keyword.name;
        match keyword.support {
            Support::Full => {}
            Support::Only(values) if value.is_empty() || values.contains(&value.as_str()) => {}
            Support::Only(values) => {
                return Err(refuse(
                    format!("the connection parameter `{name}` is not supported with this value ({origin})"),
                    format!("leave it out, or use {}", values.join(" or ")),
                ));
            }
            Support::None => {
                return Err(refuse(
                    format!("the connection parameter `{name}` is not supported ({origin})"),
                    "leave it out; what it restricts is not checked here".to_owned(),
                ));
            }
        }
        if !self.values.contains_key(name) {
            self.values.insert(name, value);
            if name == "password" {
                self.password_origin = Some(origin);
            }
        }
        Ok(())
    }

    /// Sets what one text says; within one text the last value counts, as in libpq.
    pub(super) fn fill_all(&mut self, pairs: Vec<Pair>, origin: &'static str) -> Result<(), Error> {
        for (keyword, value) in pairs.into_iter().rev() {
            self.fill(keyword, value, origin)?;
        }
        Ok(())
    }
}

/// A parameter and its value.
pub(super) type Pair = (&'static Keyword, String);

/// Finds a parameter by its name. `secret_near` says that the name may be a piece of a password that was written
/// without the quoting it needs: then it is not repeated.
pub(super) fn find(name: &str, secret_near: bool) -> Result<&'static Keyword, Error> {
    // tokio-postgres' own name for what libpq calls keepalives_count.
    let known = if name == "keepalives_retries" { "keepalives_count" } else { name };
    if let Some(keyword) = KEYWORDS.iter().find(|keyword| keyword.name == known) {
        return Ok(keyword);
    }
    let names_one = !secret_near
        && name.len() <= 40
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let message = if names_one {
        format!("`{name}` is not a connection parameter")
    } else {
        "the connection settings have something that is not a connection parameter".to_owned()
    };
    let hint = if secret_near {
        "a password with special characters has to be percent-encoded in a URL, and quoted with '…' in keyword=value text"
    } else {
        "see the PostgreSQL manual, \"Parameter Key Words\"; settings of the server go into `options`"
    };
    Err(refuse(message, hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_unsupported_are_named() {
        let text = |result: Result<&Keyword, Error>| result.err().unwrap().to_string();
        assert_eq!(text(find("sslmod", false)), "`sslmod` is not a connection parameter");
        assert!(!text(find("canary", true)).contains("canary"));
        let mut parameters = Parameters::default();
        let error = parameters.fill(find("requirepeer", false).unwrap(), "root".to_owned(), "PGREQUIREPEER");
        assert_eq!(
            error.unwrap_err().to_string(),
            "the connection parameter `requirepeer` is not supported (PGREQUIREPEER)"
        );
        let error = parameters.fill(find("gssencmode", false).unwrap(), "require".to_owned(), "PGGSSENCMODE");
        assert!(error.unwrap_err().to_string().contains("`gssencmode`"));
        parameters.fill(find("gssencmode", false).unwrap(), "disable".to_owned(), "PGGSSENCMODE").unwrap();
    }

    #[test]
    fn what_is_set_first_stays() {
        let mut parameters = Parameters::default();
        parameters.fill(find("host", false).unwrap(), "one".to_owned(), "a").unwrap();
        parameters.fill(find("host", false).unwrap(), "two".to_owned(), "b").unwrap();
        assert_eq!(parameters.get("host"), Some("one"));
        assert_eq!(parameters.get("port"), None);
    }
}
