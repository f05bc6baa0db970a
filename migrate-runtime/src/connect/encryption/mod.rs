//! TLS with rustls: what `sslmode` asks for beyond a plain connection.

mod common_name;
mod files;
mod verifier;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::ClientConfig;
use rustls::client::Resumption;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{CancelToken, Config, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use self::verifier::{Check, Verifier};
use super::attempt::{Failed, Opened};
use super::link::Driver;
use super::sslmode::{Roots, SslModeSetting, TlsSettings, TlsVersion};
use crate::Error;

/// The encrypted stream.
pub(super) type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;
type Handshake = <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect;

/// What encrypts connections, ready to use.
pub(super) struct Encryption {
    make: MakeRustlsConnect,
}

impl Encryption {
    /// Reads the certificates that the settings name.
    pub(super) fn prepare(settings: &TlsSettings) -> Result<Option<Self>, Error> {
        let roots = match &settings.roots {
            Roots::File(path) => files::certificates(path, "root certificate (sslrootcert)")?,
            Roots::System => files::system()?,
            Roots::None => Vec::new(),
        };
        let check = match settings.mode {
            SslModeSetting::VerifyFull => Check::ChainAndName,
            // As libpq: where a root certificate is there, the weaker modes look at it too.
            _ if settings.roots == Roots::None => Check::Nothing,
            _ => Check::Chain,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions: Vec<_> =
            [(TlsVersion::V13, &rustls::version::TLS13), (TlsVersion::V12, &rustls::version::TLS12)]
                .into_iter()
                .filter(|(version, _)| (settings.min..=settings.max).contains(version))
                .map(|(_, version)| version)
                .collect();
        let verifier = Verifier::new(check, roots, provider.signature_verification_algorithms, settings)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(|error| {
                super::refuse(format!("TLS cannot be set up: {error}"), "see ssl_min_protocol_version")
            })?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &settings.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = files::certificates(certificate, "client certificate (sslcert)")?;
                builder.with_client_auth_cert(chain, files::key(key)?).map_err(|error| {
                    super::refuse(
                        format!("the client certificate {} cannot be used: {error}", certificate.display()),
                        format!("check that {} is its private key", key.display()),
                    )
                })?
            }
        };
        // The name is registered for PostgreSQL; a direct negotiation needs it.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        config.enable_sni = settings.sni;
        config.resumption = Resumption::disabled();
        Ok(Some(Self { make: MakeRustlsConnect::new(config) }))
    }

    /// Connects; `mode` says whether a server without TLS will do.
    pub(super) async fn open(&self, config: &Config, mode: SslMode) -> Result<Opened, Failed> {
        let shaken = Arc::new(AtomicBool::new(false));
        let mut config = config.clone();
        let make = Noted { make: self.make.clone(), shaken: Arc::clone(&shaken) };
        match config.ssl_mode(mode).connect(make).await {
            Ok((client, connection)) => {
                let encrypted = shaken.load(Ordering::Relaxed);
                Ok((client, Driver::Tls { connection: Box::new(connection), encrypted }))
            }
            Err(error) => Err(Failed { error, shaken: shaken.load(Ordering::Relaxed) }),
        }
    }

    pub(super) async fn cancel(&self, token: CancelToken) -> Result<(), tokio_postgres::Error> {
        token.cancel_query(self.make.clone()).await
    }
}

/// Notes that it came to a handshake, which tokio-postgres does not tell.
struct Noted {
    make: MakeRustlsConnect,
    shaken: Arc<AtomicBool>,
}

impl MakeTlsConnect<Socket> for Noted {
    type Stream = Stream;
    type TlsConnect = NotedHandshake;
    type Error = Infallible;

    fn make_tls_connect(&mut self, host: &str) -> Result<NotedHandshake, Infallible> {
        let inner = MakeTlsConnect::<Socket>::make_tls_connect(&mut self.make, host)?;
        Ok(NotedHandshake { inner, shaken: Arc::clone(&self.shaken) })
    }
}

struct NotedHandshake {
    inner: Handshake,
    shaken: Arc<AtomicBool>,
}

impl TlsConnect<Socket> for NotedHandshake {
    type Stream = Stream;
    type Error = io::Error;
    type Future = <Handshake as TlsConnect<Socket>>::Future;

    fn connect(self, stream: Socket) -> Self::Future {
        self.shaken.store(true, Ordering::Relaxed);
        self.inner.connect(stream)
    }
}
