//! The process id that the server sent when the session began (protocol, `BackendKeyData`).
//!
//! tokio-postgres keeps it to itself, but writes it into every cancel request: so one is written into memory.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Client;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// The process id, which is another one than `pg_backend_pid()` behind a connection pooler.
pub(super) async fn backend_pid(client: &Client) -> Option<i32> {
    let mut written = Vec::new();
    client.cancel_token().cancel_query_raw(Capture(&mut written), InMemory).await.ok()?;
    // A request for TLS may come first. The cancel request: length, code, process id, key; four bytes each.
    let code = 80_877_102_i32.to_be_bytes();
    let at = written.windows(4).position(|window| window == code)?;
    written.get(at + 4..at + 8)?.try_into().ok().map(i32::from_be_bytes)
}

/// Keeps what is written; answers "yes" to a request for TLS.
struct Capture<'a>(&'a mut Vec<u8>);

impl AsyncRead for Capture<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() > 0 {
            buffer.put_slice(b"S");
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Capture<'_> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl TlsStream for Capture<'_> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

/// A handshake of nothing: memory needs no protection.
struct InMemory;

impl<'a> TlsConnect<Capture<'a>> for InMemory {
    type Stream = Capture<'a>;
    type Error = io::Error;
    type Future = Ready<io::Result<Capture<'a>>>;

    fn connect(self, stream: Capture<'a>) -> Self::Future {
        ready(Ok(stream))
    }
}
