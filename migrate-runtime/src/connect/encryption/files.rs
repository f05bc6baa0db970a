//! Certificates and keys, from their files.

use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::Error;
use crate::connect::refuse;

/// The certificates of a PEM file, at least one. `what` is for people.
pub(super) fn certificates(path: &Path, what: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bytes = read(path, what)?;
    match CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>() {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(refuse(
            format!("the {what} {} has no certificate in it", path.display()),
            "it is a PEM file, with -----BEGIN CERTIFICATE-----",
        )),
        Err(error) => Err(refuse(
            format!("the {what} {} is not a PEM file: {error}", path.display()),
            "it is a PEM file, with -----BEGIN CERTIFICATE-----",
        )),
    }
}

/// The certificates that the operating system trusts.
pub(super) fn system() -> Result<Vec<CertificateDer<'static>>, Error> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Err(refuse(
            "sslrootcert=system: the operating system has no root certificates",
            "install its package of them (ca-certificates), or name a file in sslrootcert",
        ));
    }
    Ok(found.certs)
}

/// The private key of a PEM file that only its owner may read.
pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    const WHAT: &str = "key of the client certificate (sslkey)";
    let bytes = read(path, WHAT)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, WHAT, &error))?;
        // libpq's rule: a key of root's may be readable for a group, such as Debian's ssl-cert.
        let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
        if metadata.mode() & forbidden != 0 {
            return Err(refuse(
                format!("other users have access to the {WHAT} {}", path.display()),
                "run `chmod 0600` on it",
            ));
        }
    }
    if bytes.windows(9).any(|window| window == b"ENCRYPTED") {
        return Err(refuse(
            format!("the {WHAT} {} is encrypted", path.display()),
            "keys with a passphrase are not supported: decrypt it with `openssl pkey`, and protect its file",
        ));
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| {
        refuse(
            format!("the {WHAT} {} is not a private key: {error}", path.display()),
            "it is a PEM file, with -----BEGIN PRIVATE KEY-----",
        )
    })
}

fn read(path: &Path, what: &str) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| unreadable(path, what, &error))
}

fn unreadable(path: &Path, what: &str, error: &std::io::Error) -> Error {
    refuse(
        format!("the {what} {} cannot be read: {error}", path.display()),
        "check the path and its permissions",
    )
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_will_not_do_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let name = path.display().to_string();
        assert!(certificates(&path, "x").unwrap_err().to_string().contains(&name));
        for (text, mode, expected) in [
            ("", 0o600, "is not a private key"),
            ("", 0o604, "other users have access"),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----", 0o600, "is encrypted"),
        ] {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = key(&path).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains(&name), "{error}");
        }
        for (text, expected) in
            [("text", "has no certificate"), ("-----BEGIN CERTIFICATE-----", "is not a PEM file")]
        {
            std::fs::write(&path, text).unwrap();
            let error = certificates(&path, "x").unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains(&name), "{error}");
        }
    }
}
