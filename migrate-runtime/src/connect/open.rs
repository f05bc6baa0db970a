//! Opening a connection: the servers in turn, each with the attempts that its `sslmode` allows (libpq,
//! `PQconnectPoll`).

use std::collections::hash_map::RandomState;
use std::future::{Future, poll_fn};
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, Config, NoTls, SimpleQueryMessage};

use super::backend_pid::backend_pid;
use super::database::SessionAttributes;
use super::link::{Driver, Link};
use super::sslmode::SslModeSetting;
use super::target::{Place, Target};
use super::{Database, hint};
use crate::Error;

type Opened = (Client, Driver);

impl Database {
    /// Opens a connection; `application_name` is what it is called where the settings do not name it. Needs a tokio
    /// runtime with its I/O and time drivers. The [`Link`] is to be spawned.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] with a hint, [`Error::Settings`] where a certificate or key cannot be read.
    pub async fn connect(&self, application_name: &str) -> Result<(Client, Link), Error> {
        let tls = Tls::prepare(self)?;
        let (client, connection) = self.open(application_name, &tls).await.map_err(|source| {
            Error::Connect { database: self.to_string(), hint: hint(&source, self), source }
        })?;
        let backend_pid = backend_pid(&client).await;
        Ok((client, Link { connection, backend_pid }))
    }

    /// Asks the server to cancel what the connection of `token` is doing, with the protection that the connection
    /// itself has.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] where the server could not be reached: whether it did cancel, it does not say.
    pub async fn cancel(&self, token: CancelToken) -> Result<(), Error> {
        let tls = Tls::prepare(self)?;
        within(self.connect_timeout, tls.cancel(token)).await.map_err(|source| Error::Connect {
            database: self.to_string(),
            hint: hint(&source, self),
            source,
        })
    }

    async fn open(&self, application_name: &str, tls: &Tls) -> Result<Opened, tokio_postgres::Error> {
        let mut targets: Vec<&Target> = self.targets.iter().collect();
        if self.shuffle {
            shuffle(&mut targets);
        }
        let rounds: &[SessionAttributes] = match &self.session {
            SessionAttributes::PreferStandby => &[SessionAttributes::Standby, SessionAttributes::Any],
            other => std::slice::from_ref(other),
        };
        let mut failure = None;
        for session in rounds {
            for target in &targets {
                let addresses = match self.addresses(target).await {
                    Ok(addresses) => addresses,
                    Err(error) => {
                        failure = Some(failed(error).await);
                        continue;
                    }
                };
                for address in addresses {
                    let config = self.config(target, address, application_name, *session);
                    let over_tcp = address.is_some();
                    let attempt = async {
                        let opened = self.attempt(config, over_tcp, tls).await?;
                        suits(opened, *session).await
                    };
                    match within(self.connect_timeout, attempt).await {
                        Ok(opened) => return Ok(opened),
                        // As libpq: a server that refuses us is an answer, and only one that is not up yet sends us on.
                        Err(error)
                            if error.code().is_some_and(|code| *code != SqlState::CANNOT_CONNECT_NOW) =>
                        {
                            return Err(error);
                        }
                        Err(error) => failure = Some(error),
                    }
                }
            }
        }
        match failure {
            Some(failure) => Err(failure),
            None => {
                Err(failed(io::Error::new(io::ErrorKind::NotFound, "the host name has no address")).await)
            }
        }
    }

    /// The addresses of a host, in the order in which they are tried; one `None` for a Unix socket.
    async fn addresses(&self, target: &Target) -> io::Result<Vec<Option<std::net::IpAddr>>> {
        match &target.place {
            Place::Unix(_) => Ok(vec![None]),
            Place::Tcp { address: Some(address), .. } => Ok(vec![Some(*address)]),
            Place::Tcp { name, address: None } => {
                let look_up = tokio::net::lookup_host((name.as_str(), target.port));
                let found = match self.connect_timeout {
                    Some(limit) => {
                        tokio::time::timeout(limit, look_up).await.map_err(|_| timed_out(limit))??
                    }
                    None => look_up.await?,
                };
                let mut addresses: Vec<_> = found.map(|address| Some(address.ip())).collect();
                if self.shuffle {
                    shuffle(&mut addresses);
                }
                Ok(addresses)
            }
        }
    }

    fn config(
        &self,
        target: &Target,
        address: Option<std::net::IpAddr>,
        application_name: &str,
        session: SessionAttributes,
    ) -> Config {
        let mut config = Config::new();
        match &target.place {
            Place::Tcp { name, .. } => config.host(name),
            #[cfg(unix)]
            Place::Unix(folder) => config.host_path(folder),
            #[cfg(not(unix))]
            Place::Unix(folder) => config.host(folder.to_string_lossy()),
        };
        if let Some(address) = address {
            config.hostaddr(address);
        }
        config.port(target.port).user(&self.user).dbname(&self.dbname);
        if let Some(password) = &target.password {
            config.password(&password.0);
        }
        if let Some(options) = &self.options {
            config.options(options);
        }
        let own = self.application_name.as_deref().or(self.fallback_application_name.as_deref());
        config.application_name(own.unwrap_or(application_name));
        if let Some(timeout) = self.connect_timeout {
            config.connect_timeout(timeout);
        }
        if let Some(timeout) = self.tcp_user_timeout {
            config.tcp_user_timeout(timeout);
        }
        config.keepalives(self.keepalives);
        if let Some(idle) = self.keepalives_idle {
            config.keepalives_idle(idle);
        }
        if let Some(interval) = self.keepalives_interval {
            config.keepalives_interval(interval);
        }
        if let Some(count) = self.keepalives_count {
            config.keepalives_retries(count);
        }
        config.channel_binding(self.channel_binding).target_session_attrs(session.of_client());
        config.ssl_negotiation(if self.tls.direct {
            SslNegotiation::Direct
        } else {
            SslNegotiation::Postgres
        });
        config
    }

    /// One server, with the attempts that the `sslmode` allows.
    async fn attempt(
        &self,
        mut config: Config,
        over_tcp: bool,
        tls: &Tls,
    ) -> Result<Opened, tokio_postgres::Error> {
        if !over_tcp || !Tls::AVAILABLE {
            // A Unix socket needs no TLS, and PostgreSQL has none there.
            return tls.plain(&mut config).await;
        }
        match self.tls.mode {
            SslModeSetting::Disable => tls.plain(&mut config).await,
            SslModeSetting::Allow => match tls.plain(&mut config).await {
                Err(error) if refused_us(&error) => {
                    tls.encrypted(&mut config, SslMode::Require).await.map_err(|failure| {
                        // Where the server has no TLS, its first answer is the one that explains.
                        if failure.failure.code().is_some() || failure.shaken {
                            failure.failure
                        } else {
                            error
                        }
                    })
                }
                outcome => outcome,
            },
            SslModeSetting::Prefer => match tls.encrypted(&mut config, SslMode::Prefer).await {
                Ok(opened) => Ok(opened),
                Err(Attempt { failure, shaken }) => {
                    if shaken && (failure.code().is_none() || refused_us(&failure)) {
                        tls.plain(&mut config).await.map_err(|_| failure)
                    } else {
                        Err(failure)
                    }
                }
            },
            SslModeSetting::Require | SslModeSetting::VerifyCa | SslModeSetting::VerifyFull => {
                tls.encrypted(&mut config, SslMode::Require).await.map_err(|attempt| attempt.failure)
            }
        }
    }
}

/// An attempt with TLS that failed.
struct Attempt {
    failure: tokio_postgres::Error,
    /// Whether it came to a handshake: the server has TLS.
    shaken: bool,
}

/// What makes connections.
struct Tls {}

impl Tls {
    const AVAILABLE: bool = cfg!(feature = "tls");

    fn prepare(_: &Database) -> Result<Self, Error> {
        Ok(Self {})
    }

    async fn plain(&self, config: &mut Config) -> Result<Opened, tokio_postgres::Error> {
        let (client, connection) = config
            .ssl_mode(SslMode::Disable)
            .ssl_negotiation(SslNegotiation::Postgres)
            .connect(NoTls)
            .await?;
        Ok((client, Driver::Plain(Box::new(connection))))
    }

    async fn encrypted(&self, config: &mut Config, _: SslMode) -> Result<Opened, Attempt> {
        self.plain(config).await.map_err(|failure| Attempt { failure, shaken: false })
    }

    async fn cancel(&self, token: CancelToken) -> Result<(), tokio_postgres::Error> {
        token.cancel_query(NoTls).await
    }
}

/// Class 28: the server does not let this user in this way.
fn refused_us(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| code.code().starts_with("28"))
}

/// Whether the server is what `target_session_attrs` asks for, as far as tokio-postgres does not see to that.
async fn suits(opened: Opened, session: SessionAttributes) -> Result<Opened, tokio_postgres::Error> {
    let wanted = match session {
        SessionAttributes::Primary => false,
        SessionAttributes::Standby => true,
        _ => return Ok(opened),
    };
    let (client, mut driver) = opened;
    let standby = match driver.parameter("in_hot_standby") {
        Some(reported) => reported == "on",
        // A pooler may not hand it on.
        None => {
            let query = pin!(client.simple_query("SELECT pg_catalog.pg_is_in_recovery()"));
            let drive = pin!(drive(&mut driver));
            let messages = match select(query, drive).await {
                Either::Left((messages, _)) => messages?,
                Either::Right((ended, _)) => return Err(ended),
            };
            messages.iter().any(|message| match message {
                SimpleQueryMessage::Row(row) => row.get(0) == Some("t"),
                _ => false,
            })
        }
    };
    if standby == wanted {
        return Ok((client, driver));
    }
    let what = if standby { "the server is a standby" } else { "the server is not a standby" };
    Err(failed(io::Error::new(io::ErrorKind::PermissionDenied, what)).await)
}

/// Drives a connection; ends only where it breaks.
async fn drive(driver: &mut Driver) -> tokio_postgres::Error {
    loop {
        match poll_fn(|context| driver.poll_message(context)).await {
            Some(Ok(_)) => {}
            Some(Err(error)) => return error,
            None => return failed(io::ErrorKind::UnexpectedEof.into()).await,
        }
    }
}

/// `connect_timeout` over the whole of an attempt: a server that accepts and then says nothing counts too.
async fn within<T>(
    limit: Option<Duration>,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, tokio_postgres::Error> {
    let Some(limit) = limit else { return work.await };
    match tokio::time::timeout(limit, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(failed(timed_out(limit)).await),
    }
}

fn timed_out(limit: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", limit.as_secs()))
}

/// A random order. The standard library's hash keys are all the randomness that spreading a load needs.
fn shuffle<T>(items: &mut [T]) {
    for end in (1..items.len()).rev() {
        let random = RandomState::new().build_hasher().finish();
        let other = usize::try_from(random % (end as u64 + 1)).unwrap_or(0);
        items.swap(end, other);
    }
}

/// An error of our own as one of tokio-postgres, whose errors cannot be made from outside: what a stream that fails
/// with it makes of it.
async fn failed(error: io::Error) -> tokio_postgres::Error {
    let mut config = Config::new();
    config.user("").ssl_mode(SslMode::Disable);
    match config.connect_raw(Broken(Some(error)), NoTls).await {
        Err(error) => error,
        Ok(_) => unreachable!("a broken stream does not connect"),
    }
}

/// A stream whose first use fails.
struct Broken(Option<io::Error>);

impl Broken {
    fn fail<T>(&mut self) -> Poll<io::Result<T>> {
        Poll::Ready(Err(self.0.take().unwrap_or_else(|| io::ErrorKind::BrokenPipe.into())))
    }
}

impl AsyncRead for Broken {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.fail()
    }
}

impl AsyncWrite for Broken {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        self.fail()
    }
    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.fail()
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.fail()
    }
}
