//! What encrypts in a build without the feature `tls`: nothing.

use tokio_postgres::config::SslMode;
use tokio_postgres::{CancelToken, Config};

use super::attempt::{Failed, Opened};
use super::sslmode::TlsSettings;
use crate::Error;

/// There is none.
pub(super) enum Encryption {}

impl Encryption {
    /// None: modes that insist on TLS were refused with the settings.
    pub(super) fn prepare(_: &TlsSettings) -> Result<Option<Self>, Error> {
        Ok(None)
    }

    pub(super) async fn open(&self, _: &Config, _: SslMode) -> Result<Opened, Failed> {
        match *self {}
    }

    pub(super) async fn cancel(&self, _: CancelToken) -> Result<(), tokio_postgres::Error> {
        match *self {}
    }
}
