//! One server, with the attempts that the `sslmode` allows (libpq, `PQconnectPoll`).

use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::{Client, Config, Error, NoTls};

use super::encryption::Encryption;
use super::link::Driver;
use super::sslmode::SslModeSetting;

/// A connection that nothing drives yet.
pub(super) type Opened = (Client, Driver);

/// An attempt with TLS that failed.
pub(super) struct Failed {
    pub(super) error: Error,
    /// Whether it came to a handshake: the server has TLS.
    pub(super) shaken: bool,
}

/// Connects with what the mode allows; without `tls` there is nothing to encrypt with, or no need to.
pub(super) async fn attempt(
    config: Config,
    mode: SslModeSetting,
    tls: Option<&Encryption>,
) -> Result<Opened, Error> {
    let Some(tls) = tls else { return plain(&config).await };
    match mode {
        SslModeSetting::Disable => plain(&config).await,
        SslModeSetting::Allow => match plain(&config).await {
            Err(first) if refused_us(&first) => match tls.open(&config, SslMode::Require).await {
                Ok(opened) => Ok(opened),
                Err(Failed { error, shaken: true }) => Err(error),
                // Where the server has no TLS, its first answer is the one that explains.
                Err(_) => Err(first),
            },
            outcome => outcome,
        },
        SslModeSetting::Prefer => match tls.open(&config, SslMode::Prefer).await {
            Ok(opened) => Ok(opened),
            Err(Failed { error, shaken }) if shaken && (error.code().is_none() || refused_us(&error)) => {
                plain(&config).await.map_err(|_| error)
            }
            Err(failed) => Err(failed.error),
        },
        SslModeSetting::Require | SslModeSetting::VerifyCa | SslModeSetting::VerifyFull => {
            tls.open(&config, SslMode::Require).await.map_err(|failed| failed.error)
        }
    }
}

async fn plain(config: &Config) -> Result<Opened, Error> {
    let mut config = config.clone();
    config.ssl_mode(SslMode::Disable).ssl_negotiation(SslNegotiation::Postgres);
    let (client, connection) = config.connect(NoTls).await?;
    Ok((client, Driver::Plain(Box::new(connection))))
}

/// Class 28: the server does not let this user in this way.
fn refused_us(error: &Error) -> bool {
    error.code().is_some_and(|code| code.code().starts_with("28"))
}
