//! Opening a connection: the servers in turn, each with the attempts that its `sslmode` allows (libpq,
//! `PQconnectPoll`).

use std::collections::hash_map::RandomState;
use std::future::poll_fn;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::pin::pin;

use futures_util::future::{Either, select};
use tokio_postgres::config::SslNegotiation;
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, Config, NoTls, SimpleQueryMessage};

use super::attempt::{Opened, attempt};
use super::backend_pid::backend_pid;
use super::database::SessionAttributes;
use super::encryption::Encryption;
use super::failure::{failed, timed_out, within};
use super::link::{Driver, Link};
use super::sslmode::SslModeSetting;
use super::target::{Place, Target};
use super::{Database, hint};
use crate::Error;

impl Database {
    /// Opens a connection; `application_name` is what it is called where the settings do not name it. Needs a tokio
    /// runtime with its I/O and time drivers. The [`Link`] is to be spawned.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] with a hint, [`Error::Settings`] where a certificate or key cannot be read.
    pub async fn connect(&self, application_name: &str) -> Result<(Client, Link), Error> {
        let tls = self.encryption()?;
        let (client, connection) = self.open(application_name, tls.as_ref()).await.map_err(|source| {
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
        let tls = self.encryption()?;
        let request = async {
            match &tls {
                Some(tls) => tls.cancel(token).await,
                None => token.cancel_query(NoTls).await,
            }
        };
        within(self.connect_timeout, request).await.map_err(|source| Error::Connect {
            database: self.to_string(),
            hint: hint(&source, self),
            source,
        })
    }

    /// What encrypts, where anything is to be.
    fn encryption(&self) -> Result<Option<Encryption>, Error> {
        if self.is_over_tcp() && self.tls.mode != SslModeSetting::Disable {
            Encryption::prepare(&self.tls)
        } else {
            Ok(None)
        }
    }

    async fn open(
        &self,
        application_name: &str,
        tls: Option<&Encryption>,
    ) -> Result<Opened, tokio_postgres::Error> {
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
                    // A Unix socket needs no TLS, and PostgreSQL has none there.
                    let tls = tls.filter(|_| address.is_some());
                    let work = async {
                        let opened = attempt(config, self.tls.mode, tls).await?;
                        suits(opened, *session).await
                    };
                    match within(self.connect_timeout, work).await {
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

/// A random order. The standard library's hash keys are all the randomness that spreading a load needs.
fn shuffle<T>(items: &mut [T]) {
    for end in (1..items.len()).rev() {
        let random = RandomState::new().build_hasher().finish();
        let other = usize::try_from(random % (end as u64 + 1)).unwrap_or(0);
        items.swap(end, other);
    }
}
