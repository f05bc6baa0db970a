//! What went through.

use std::fmt;

use super::wire::{self, Frame, Kind};

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client, a "frontend message".
    ToServer,
    /// From the server, a "backend message".
    ToClient,
}

/// Sums over all connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Connections that were opened.
    pub connections: usize,
    /// Messages from the client.
    pub to_server: usize,
    /// Messages from the server.
    pub to_client: usize,
    /// How often the client, having sent something, waited for the server: the number of times that a connection's
    /// latency is paid, connecting included (a TLS request, a startup, each step of a password).
    pub round_trips: usize,
    /// Bytes from the client.
    pub bytes_to_server: usize,
    /// Bytes from the server.
    pub bytes_to_client: usize,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The connection, from 1.
    pub connection: usize,
    /// Which way it went.
    pub direction: Direction,
    /// Its name in the manual: `Query`, `CommandComplete`, `Startup`.
    pub name: String,
    /// The SQL text of a Query or Parse, the tag of a CommandComplete.
    pub text: Option<String>,
    /// Its length with everything.
    pub length: usize,
}

impl Record {
    pub(super) fn new(connection: usize, direction: Direction, frame: &Frame) -> Self {
        let Frame { kind, bytes } = frame;
        let text = match direction {
            Direction::ToServer => wire::sql(*kind, bytes),
            Direction::ToClient => wire::command_tag(*kind, bytes),
        };
        Self { connection, direction, name: wire::name(*kind, direction), text, length: bytes.len() }
    }
}

impl Traffic {
    /// Adds a message; `waiting` is whether that connection's client has sent something that is not answered yet.
    pub(super) fn add(&mut self, direction: Direction, frame: &Frame, waiting: &mut bool) {
        // Encrypted bytes are counted as such only: how many messages they are nobody knows.
        let one = usize::from(frame.kind != Kind::Opaque);
        match direction {
            Direction::ToServer => {
                self.to_server += one;
                self.bytes_to_server += frame.bytes.len();
                // Nobody waits for an answer to a goodbye.
                *waiting |= frame.kind != Kind::Message(b'X');
            }
            Direction::ToClient => {
                self.to_client += one;
                self.bytes_to_client += frame.bytes.len();
                self.round_trips += usize::from(std::mem::take(waiting));
            }
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = match self.direction {
            Direction::ToServer => "->",
            Direction::ToClient => "<-",
        };
        write!(formatter, "{} {arrow} {}", self.connection, self.name)?;
        match &self.text {
            Some(text) => write!(formatter, " {}", text.chars().take(200).collect::<String>().escape_debug()),
            None => Ok(()),
        }
    }
}
