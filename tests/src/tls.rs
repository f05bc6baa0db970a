//! Certificates of the tests' own: an authority, a server, and one that nobody knows.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// An authority and a server's key and certificate signed by it.
#[derive(Debug, Clone)]
pub struct Certificates {
    /// The authority's certificate, what `sslrootcert` names.
    pub authority: String,
    /// The server's certificate.
    pub certificate: String,
    /// The server's key.
    pub key: String,
}

impl Certificates {
    /// New ones, for a server with these names and addresses (`localhost`, `127.0.0.1`).
    ///
    /// # Panics
    ///
    /// Where they cannot be made.
    pub fn new(names: &[&str]) -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Two authorities of one name would be taken for one another, up to the signature.
        static COUNTER: AtomicU32 = AtomicU32::new(1);
        let name = format!("migrate tests {}", COUNTER.fetch_add(1, Ordering::Relaxed));
        authority.distinguished_name.push(rcgen::DnType::CommonName, name);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        Self { authority: authority.pem(), certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// Writes the authority's certificate for a client.
    ///
    /// # Panics
    ///
    /// Where it cannot be written.
    pub fn write_authority(&self, folder: &Path) -> PathBuf {
        let path = folder.join("root.crt");
        std::fs::write(&path, &self.authority).unwrap();
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_pem_and_differ_each_time() {
        let (one, two) = (Certificates::new(&["localhost"]), Certificates::new(&["localhost"]));
        assert!(one.certificate.starts_with("-----BEGIN CERTIFICATE-----"));
        assert!(one.key.starts_with("-----BEGIN PRIVATE KEY-----"));
        assert_ne!(one.authority, two.authority);
    }
}
