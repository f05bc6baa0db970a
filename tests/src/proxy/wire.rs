//! Frames of PostgreSQL's protocol, version 3 (manual, chapter "Message Formats").

use std::io::{self, BufReader, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use super::Direction;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The first message of a connection, which has no type byte.
    Startup,
    /// A request for TLS.
    SslRequest,
    /// A request for encryption with GSSAPI.
    GssRequest,
    /// A request to cancel what another connection does.
    CancelRequest,
    /// The single byte that answers a request for encryption.
    EncryptionAnswer,
    /// A message with its type byte.
    Message(u8),
    /// Bytes inside an encrypted connection, as they came.
    Opaque,
}

/// One frame, with all of its bytes.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) bytes: Vec<u8>,
}

/// What the two directions of one connection know of each other.
#[derive(Debug, Default)]
pub(super) struct Phase {
    /// The server's next byte answers a request for encryption.
    asked: AtomicBool,
    /// It said yes: from here on nothing can be framed.
    encrypted: AtomicBool,
}

/// Reads the frames of one direction.
#[derive(Debug)]
pub(super) struct Framer<S> {
    stream: BufReader<S>,
    direction: Direction,
    started: bool,
}

impl<S: Read> Framer<S> {
    pub(super) fn new(stream: S, direction: Direction) -> Self {
        Self { stream: BufReader::new(stream), direction, started: direction == Direction::ToClient }
    }

    /// The next frame; nothing at the end, also where that is in the middle of a frame.
    ///
    /// The first byte is waited for before the phase is looked at: the other direction changes the phase before it
    /// passes on what that byte is an answer to.
    pub(super) fn next(&mut self, phase: &Phase) -> Option<Frame> {
        self.read(phase).ok()
    }

    fn read(&mut self, phase: &Phase) -> io::Result<Frame> {
        let mut bytes = vec![0];
        self.stream.read_exact(&mut bytes)?;
        if phase.encrypted.load(Ordering::SeqCst) {
            bytes.resize(16 * 1024, 0);
            let read = self.stream.read_available(&mut bytes[1..])?;
            bytes.truncate(1 + read);
            return Ok(Frame { kind: Kind::Opaque, bytes });
        }
        if self.direction == Direction::ToClient && phase.asked.swap(false, Ordering::SeqCst) {
            phase.encrypted.store(matches!(bytes[0], b'S' | b'G'), Ordering::SeqCst);
            return Ok(Frame { kind: Kind::EncryptionAnswer, bytes });
        }
        if self.started {
            let tag = bytes[0];
            self.rest(&mut bytes, 1)?;
            return Ok(Frame { kind: Kind::Message(tag), bytes });
        }
        self.rest(&mut bytes, 0)?;
        let code = bytes.get(4..8).and_then(|code| code.try_into().ok()).map_or(0, u32::from_be_bytes);
        let kind = match code {
            80_877_102 => Kind::CancelRequest,
            80_877_103 => Kind::SslRequest,
            80_877_104 => Kind::GssRequest,
            _ => Kind::Startup,
        };
        match kind {
            Kind::SslRequest | Kind::GssRequest => phase.asked.store(true, Ordering::SeqCst),
            _ => self.started = true,
        }
        Ok(Frame { kind, bytes })
    }

    /// Completes a frame whose length, which counts itself, stands at `at`.
    fn rest(&mut self, bytes: &mut Vec<u8>, at: usize) -> io::Result<()> {
        let have = bytes.len();
        bytes.resize(at + 4, 0);
        self.stream.read_exact(&mut bytes[have..])?;
        let length: [u8; 4] = bytes[at..].try_into().map_err(io::Error::other)?;
        let end = at + (u32::from_be_bytes(length) as usize).max(4);
        bytes.resize(end, 0);
        self.stream.read_exact(&mut bytes[at + 4..])
    }
}

/// Reading what is there already.
trait Available {
    fn read_available(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
}

impl<S: Read> Available for BufReader<S> {
    fn read_available(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.buffer().len().min(buffer.len());
        self.read_exact(&mut buffer[..count])?;
        Ok(count)
    }
}

/// The text of a Query or a Parse message.
pub(super) fn sql(kind: Kind, bytes: &[u8]) -> Option<String> {
    let text = |bytes: &[u8]| {
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(&bytes[..end]).into_owned()
    };
    let body = bytes.get(5..)?;
    match kind {
        Kind::Message(b'Q') => Some(text(body)),
        Kind::Message(b'P') => body.iter().position(|byte| *byte == 0).map(|end| text(&body[end + 1..])),
        _ => None,
    }
}

/// The tag of a CommandComplete message: `COMMIT`, `CREATE TABLE`, `INSERT 0 1`.
pub(super) fn command_tag(kind: Kind, bytes: &[u8]) -> Option<String> {
    let body = bytes.get(5..bytes.len().checked_sub(1)?)?;
    (kind == Kind::Message(b'C')).then(|| String::from_utf8_lossy(body).into_owned())
}

/// What people call a message.
pub(super) fn name(kind: Kind, direction: Direction) -> String {
    let Kind::Message(tag) = kind else { return format!("{kind:?}") };
    let name = match (direction, tag) {
        (Direction::ToServer, b'Q') => "Query",
        (Direction::ToServer, b'P') => "Parse",
        (Direction::ToServer, b'B') => "Bind",
        (Direction::ToServer, b'D') => "Describe",
        (Direction::ToServer, b'E') => "Execute",
        (Direction::ToServer, b'C') => "Close",
        (Direction::ToServer, b'S') => "Sync",
        (Direction::ToServer, b'X') => "Terminate",
        (Direction::ToServer, b'p') => "Password",
        (Direction::ToServer, b'f') => "CopyFail",
        (_, b'd') => "CopyData",
        (_, b'c') => "CopyDone",
        (Direction::ToClient, b'R') => "Authentication",
        (Direction::ToClient, b'S') => "ParameterStatus",
        (Direction::ToClient, b'K') => "BackendKeyData",
        (Direction::ToClient, b'Z') => "ReadyForQuery",
        (Direction::ToClient, b'C') => "CommandComplete",
        (Direction::ToClient, b'T') => "RowDescription",
        (Direction::ToClient, b'D') => "DataRow",
        (Direction::ToClient, b'E') => "ErrorResponse",
        (Direction::ToClient, b'N') => "NoticeResponse",
        (Direction::ToClient, b'1') => "ParseComplete",
        (Direction::ToClient, b'2') => "BindComplete",
        (Direction::ToClient, b'3') => "CloseComplete",
        (Direction::ToClient, b'G') => "CopyInResponse",
        (Direction::ToClient, b'I') => "EmptyQueryResponse",
        _ => return format!("`{}`", char::from(tag)),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        bytes.extend((body.len() as u32 + 4).to_be_bytes());
        bytes.extend(body);
        bytes
    }

    #[test]
    fn a_conversation_is_framed_and_nothing_is_lost() {
        let startup = [&12u32.to_be_bytes()[..], &196_608u32.to_be_bytes(), b"ab\0\0"].concat();
        let request = [8u32.to_be_bytes(), 80_877_103u32.to_be_bytes()].concat();
        let query = message(b'Q', b"SELECT 1\0");
        let sent = [request.clone(), startup, query.clone(), message(b'X', b"")].concat();
        let phase = Phase::default();
        let mut client = Framer::new(&sent[..], Direction::ToServer);
        let mut kinds = vec![client.next(&phase).unwrap().kind];
        let answer = Framer::new(&b"N"[..], Direction::ToClient).next(&phase).unwrap();
        assert_eq!(answer.kind, Kind::EncryptionAnswer);
        let mut bytes = request.len();
        while let Some(frame) = client.next(&phase) {
            bytes += frame.bytes.len();
            kinds.push(frame.kind);
        }
        assert_eq!(kinds, [Kind::SslRequest, Kind::Startup, Kind::Message(b'Q'), Kind::Message(b'X')]);
        assert_eq!(bytes, sent.len());
        assert_eq!(sql(Kind::Message(b'Q'), &query).as_deref(), Some("SELECT 1"));
    }

    #[test]
    fn after_a_yes_to_encryption_nothing_is_framed() {
        let phase = Phase::default();
        let request = [8u32.to_be_bytes(), 80_877_103u32.to_be_bytes()].concat();
        let sent = [&request[..], b"\x16\x03\x01 anything"].concat();
        let mut client = Framer::new(&sent[..], Direction::ToServer);
        client.next(&phase).unwrap();
        Framer::new(&b"S"[..], Direction::ToClient).next(&phase).unwrap();
        let frame = client.next(&phase).unwrap();
        assert_eq!((frame.kind, &frame.bytes[..]), (Kind::Opaque, &b"\x16\x03\x01 anything"[..]));
    }

    #[test]
    fn tags_are_read() {
        let complete = message(b'C', b"INSERT 0 1\0");
        assert_eq!(command_tag(Kind::Message(b'C'), &complete).as_deref(), Some("INSERT 0 1"));
        let parse = message(b'P', b"s1\0SELECT $1\0\0\0");
        assert_eq!(sql(Kind::Message(b'P'), &parse).as_deref(), Some("SELECT $1"));
        assert!(Framer::new(&complete[..5], Direction::ToClient).next(&Phase::default()).is_none());
    }
}
