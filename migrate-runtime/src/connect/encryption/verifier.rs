//! Whether the server's certificate will do, as libpq's `sslmode` means it.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};

use super::common_name;
use crate::Error;
use crate::connect::refuse;
use crate::connect::sslmode::{Roots, TlsSettings};

/// How much of a certificate is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// Only that the server has its key.
    Nothing,
    /// That an authority we trust gave it.
    Chain,
    /// That it gave it to this host.
    ChainAndName,
}

#[derive(Debug)]
pub(super) struct Verifier {
    check: Check,
    roots: RootCertStore,
    /// The same certificates as they are: a server whose certificate is one of them needs no chain.
    trusted: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(super) fn new(
        check: Check,
        trusted: Vec<CertificateDer<'static>>,
        algorithms: WebPkiSupportedAlgorithms,
        settings: &TlsSettings,
    ) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        let (_, _) = roots.add_parsable_certificates(trusted.iter().cloned());
        if let (Roots::File(path), false) = (&settings.roots, trusted.iter().any(readable)) {
            return Err(refuse(
                format!("the root certificate (sslrootcert) {} cannot be read as one", path.display()),
                "it is a PEM file, with X.509 certificates",
            ));
        }
        Ok(Self { check, roots, trusted, algorithms })
    }

    fn chain(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), TlsError> {
        // A self-signed certificate that is its own root is what PostgreSQL's manual begins with; OpenSSL takes it,
        // webpki does not, because such a certificate usually calls itself an authority.
        if self.trusted.iter().any(|trusted| trusted.as_ref() == certificate.as_ref()) {
            return within_validity(certificate, now);
        }
        let parsed = ParsedCertificate::try_from(certificate)?;
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.roots,
            intermediates,
            now,
            self.algorithms.all,
        )
    }
}

fn readable(certificate: &CertificateDer<'static>) -> bool {
    Certificate::from_der(certificate).is_ok()
}

fn within_validity(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), TlsError> {
    let parsed = Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let validity = parsed.tbs_certificate.validity;
    if now.as_secs() < validity.not_before.to_unix_duration().as_secs() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now.as_secs() > validity.not_after.to_unix_duration().as_secs() {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}

fn name(certificate: &CertificateDer<'_>, host: &ServerName<'_>) -> Result<(), TlsError> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    verify_server_name(&parsed, host)
        .or_else(|error| if common_name::matches(certificate, &host.to_str()) { Ok(()) } else { Err(error) })
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        if self.check != Check::Nothing {
            self.chain(certificate, intermediates, now)?;
        }
        if self.check == Check::ChainAndName {
            name(certificate, host)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    // The signatures are checked in every mode: they show that the server has the key of its certificate, and SCRAM's
    // channel binding stands on that even where nobody vouches for the certificate.

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        // With the bare key, because webpki does not read X.509 version 1, which `openssl x509 -req` makes.
        let key = Certificate::from_der(certificate)
            .and_then(|certificate| certificate.tbs_certificate.subject_public_key_info.to_der());
        match key {
            Ok(key) => {
                let key = SubjectPublicKeyInfoDer::from(key);
                verify_tls13_signature_with_raw_key(message, &key, signature, &self.algorithms)
            }
            Err(_) => verify_tls13_signature(message, certificate, signature, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
