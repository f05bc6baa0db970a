//! `sslmode` and its siblings, as settings: which protection is asked for. `tls.rs` gives it.

use std::path::PathBuf;

use super::environment::user_file;
use super::keyword::Parameters;
use super::{Environment, refuse};
use crate::Error;

/// libpq's six modes (manual, "Protection Provided in Different Modes").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SslModeSetting {
    /// Never TLS.
    Disable,
    /// TLS only where the server refuses to go without.
    Allow,
    /// TLS where the server has it. libpq's default.
    Prefer,
    /// TLS; the certificate is checked only where a root certificate is there.
    Require,
    /// TLS, and the certificate comes from an authority we trust.
    VerifyCa,
    /// TLS, and the certificate was made for this host.
    VerifyFull,
}

/// Which authorities are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    /// A file that was named, or the default one where it exists.
    File(PathBuf),
    /// `sslrootcert=system`: those of the operating system.
    System,
    /// None.
    None,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TlsVersion {
    /// TLS 1.2
    V12,
    /// TLS 1.3
    V13,
}

/// What was asked for. Every build reads and checks all of it, so that a setting never means less than it says.
#[derive(Clone, Debug)]
pub(super) struct TlsSettings {
    pub(super) mode: SslModeSetting,
    pub(super) roots: Roots,
    /// Certificate and key of the client.
    pub(super) identity: Option<(PathBuf, PathBuf)>,
    /// `sslnegotiation=direct`
    pub(super) direct: bool,
    /// Whether the server's name is sent in the clear.
    pub(super) sni: bool,
    pub(super) min: TlsVersion,
    pub(super) max: TlsVersion,
}

impl TlsSettings {
    /// From the parameters; the default files are those in `~/.postgresql`, where they exist.
    pub(super) fn from(parameters: &Parameters, environment: Environment<'_>) -> Result<Self, Error> {
        let default_file = |name: &str| {
            let path =
                user_file(environment, &format!(".postgresql/{name}"), &format!("postgresql\\{name}"))?;
            path.exists().then_some(path)
        };
        let roots = match parameters.get("sslrootcert") {
            Some("system") => Roots::System,
            Some(path) => Roots::File(path.into()),
            None => default_file("root.crt").map_or(Roots::None, Roots::File),
        };
        let mode = match parameters.get("sslmode") {
            None if roots == Roots::System => SslModeSetting::VerifyFull,
            None => SslModeSetting::Prefer,
            Some("disable") => SslModeSetting::Disable,
            Some("allow") => SslModeSetting::Allow,
            Some("prefer") => SslModeSetting::Prefer,
            Some("require") => SslModeSetting::Require,
            Some("verify-ca") => SslModeSetting::VerifyCa,
            Some("verify-full") => SslModeSetting::VerifyFull,
            Some(_) => {
                return Err(invalid("sslmode", "disable, allow, prefer, require, verify-ca or verify-full"));
            }
        };
        if roots == Roots::System && mode != SslModeSetting::VerifyFull {
            return Err(refuse(
                "sslrootcert=system is only for sslmode=verify-full",
                "anybody can have a certificate of a public authority, for another host: use sslmode=verify-full",
            ));
        }
        if roots == Roots::None && mode >= SslModeSetting::VerifyCa {
            return Err(refuse(
                "sslmode verify-ca and verify-full need a root certificate, and there is none",
                "name its file in sslrootcert (or PGSSLROOTCERT), put it at ~/.postgresql/root.crt, or say sslrootcert=system",
            ));
        }
        let direct = match parameters.get("sslnegotiation") {
            None | Some("postgres") => false,
            Some("direct") if mode >= SslModeSetting::Require => true,
            Some("direct") => {
                return Err(refuse(
                    "sslnegotiation=direct needs sslmode require, verify-ca or verify-full",
                    "a weaker sslmode may go on without TLS, and a direct negotiation cannot",
                ));
            }
            Some(_) => return Err(invalid("sslnegotiation", "postgres or direct")),
        };
        let version = |name, default| match parameters.get(name) {
            None => Ok(default),
            // Older ones are not spoken, so a lower bound on them holds.
            Some("TLSv1" | "TLSv1.1") if name == "ssl_min_protocol_version" => Ok(TlsVersion::V12),
            Some("TLSv1.2") => Ok(TlsVersion::V12),
            Some("TLSv1.3") => Ok(TlsVersion::V13),
            Some(_) => Err(invalid(name, "TLSv1.2 or TLSv1.3")),
        };
        let (min, max) = (
            version("ssl_min_protocol_version", TlsVersion::V12)?,
            version("ssl_max_protocol_version", TlsVersion::V13)?,
        );
        if min > max {
            return Err(invalid("ssl_min_protocol_version", "a version not above ssl_max_protocol_version"));
        }
        let sni = match parameters.get("sslsni") {
            None | Some("1") => true,
            Some("0") => false,
            Some(_) => return Err(invalid("sslsni", "0 or 1")),
        };
        let certificate =
            parameters.get("sslcert").map(PathBuf::from).or_else(|| default_file("postgresql.crt"));
        let key = parameters.get("sslkey").map(PathBuf::from).or_else(|| default_file("postgresql.key"));
        let identity = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (Some(certificate), None) => {
                return Err(refuse(
                    format!("the client certificate {} has no key", certificate.display()),
                    "name the file of its private key in sslkey (or PGSSLKEY)",
                ));
            }
            (None, _) => None,
        };
        Ok(Self { mode, roots, identity, direct, sni, min, max })
    }
}

pub(super) fn invalid(name: &str, expected: &str) -> Error {
    refuse(
        format!("the connection parameter `{name}` has a value that it cannot have"),
        format!("it is {expected}"),
    )
}
