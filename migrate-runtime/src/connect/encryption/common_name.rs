//! The host name in a certificate's subject, for certificates that have no `subjectAltName`.
//!
//! Browsers do not look there any more; libpq does (`pq_verify_peer_name_matches_certificate`), and the certificates
//! of PostgreSQL's manual have nothing else.

use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::asn1::{PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::oid::db::rfc4519::CN;
use x509_cert::ext::pkix::SubjectAltName;

/// Whether the certificate has no `subjectAltName`, and a common name that is this host.
pub(super) fn matches(certificate: &CertificateDer<'_>, host: &str) -> bool {
    let Ok(certificate) = Certificate::from_der(certificate) else { return false };
    let certificate = certificate.tbs_certificate;
    let extensions = certificate.extensions.iter().flatten();
    if extensions.into_iter().any(|extension| extension.extn_id == SubjectAltName::OID) {
        return false;
    }
    let mut attributes = certificate.subject.0.iter().flat_map(|name| name.0.iter());
    // As OpenSSL and libpq: the last one counts.
    let Some(name) = attributes.rfind(|attribute| attribute.oid == CN) else { return false };
    let value = &name.value;
    let text = Utf8StringRef::try_from(value)
        .map(|text| text.as_str().to_owned())
        .or_else(|_| PrintableStringRef::try_from(value).map(|text| text.as_str().to_owned()))
        .or_else(|_| TeletexStringRef::try_from(value).map(|text| text.as_str().to_owned()));
    text.is_ok_and(|pattern| is_name_of(&pattern, host))
}

/// Case does not count; `*.` stands for one label.
fn is_name_of(pattern: &str, host: &str) -> bool {
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    match (pattern.strip_prefix("*."), host.split_once('.')) {
        (Some(parent), Some((label, rest))) => {
            !label.is_empty()
                && parent.contains('.')
                && parent.eq_ignore_ascii_case(rest)
                && !is_address(host)
        }
        _ => false,
    }
}

fn is_address(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_one_label() {
        for (pattern, host, expected) in [
            ("db.example.com", "DB.example.com", true),
            ("*.example.com", "db.example.com", true),
            ("*.example.com", "a.db.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.com", "example.com", false),
            ("*.0.0.1", "127.0.0.1", false),
            ("localhost", "localhost", true),
            ("localhos", "localhost", false),
            ("db.example.com\0.evil", "db.example.com", false),
        ] {
            assert_eq!(is_name_of(pattern, host), expected, "{pattern} {host}");
        }
    }
}
