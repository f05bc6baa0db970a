//! Looks at a script between its statements while it runs, for rehearsals: what time it is, which tables the transaction
//! has locked by then, and in which files they are.
//!
//! The questions stand in the message of the run, so that the script meets what it meets in any run but for them; and what
//! a transaction has not committed nobody else could be asked. They are about this session alone, and take well below a
//! millisecond.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use migrate_core::{Direction, StatementKind};
use tokio_postgres::SimpleQueryRow;

use crate::message::{Message, PIECE, Part, Work};
use crate::rehearsal::LockMode;
use crate::session::{Broken, Session};

/// More looks at one script would be a part of what it takes: of a longer one, several statements are looked at together.
const MOST: usize = 100;

/// What was seen behind some statements of a script, by the server's clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// The migration.
    pub stem: String,
    /// Forward or back.
    pub direction: Direction,
    /// The statements since the last look, by their place in the script; empty at its beginning.
    pub statements: Range<usize>,
    /// When the look began, which is when the last of the statements ended: since 1970.
    pub began: Duration,
    /// When it ended, which is when the next statement began.
    pub ended: Duration,
    /// What the transaction has locked, ours included.
    pub locks: Vec<Locked>,
}

/// One relation that the transaction has locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// Its OID.
    pub oid: u32,
    /// The strongest mode.
    pub mode: LockMode,
    /// Its `relfilenode`; `None` where it has none, or was dropped.
    pub file: Option<u32>,
}

type Handler = Box<dyn FnMut(&Look) + Send>;

/// Who is told.
#[derive(Clone)]
pub(crate) struct Looks(Arc<Mutex<Handler>>);

impl std::fmt::Debug for Looks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Looks")
    }
}

impl Looks {
    pub fn new(handler: impl FnMut(&Look) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(handler))))
    }

    fn tell(&self, look: &Look) {
        (self.0.lock().unwrap_or_else(PoisonError::into_inner))(look);
    }
}

/// Where in a message a look is.
pub(crate) struct Mark<'a> {
    looks: Looks,
    work: Work<'a>,
    statements: Range<usize>,
    /// How many statements of the message come before it.
    at: usize,
}

/// What one look asks, statement by statement.
const CLOCK: &str = "SELECT pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())";
const LOCKS: &str = "SELECT relation, pg_catalog.string_agg(mode, ','), pg_catalog.pg_relation_filenode(relation) \
                     FROM pg_catalog.pg_locks WHERE pid = pg_catalog.pg_backend_pid() AND locktype = 'relation' \
                     AND granted AND relation >= 16384 GROUP BY relation";
const QUESTIONS: usize = 3;

/// Adds a look behind these statements.
fn look<'w>(message: &mut Message<'w>, work: Work<'w>, looks: &Looks, statements: Range<usize>) {
    message.marks.push(Mark { looks: looks.clone(), work, statements, at: message.statements });
    message.own(&format!("{CLOCK};{LOCKS};{CLOCK}"), QUESTIONS);
}

/// Adds these statements of a script with looks between them, as [`body`](crate::message::body) adds all of them without.
pub(crate) fn statements<'w>(
    parts: &mut Vec<Part<'w>>,
    message: &mut Message<'w>,
    work: Work<'w>,
    looks: &Looks,
    range: Range<usize>,
) {
    let script = work.script;
    let together = range.len().div_ceil(MOST).max(1);
    look(message, work, looks, range.start..range.start);
    let mut at = range.start;
    while at < range.end {
        let statement = script.statements[at];
        if matches!(statement.kind, StatementKind::CopyFromStdin { .. }) {
            message.end(parts);
            parts.push(Part::Copy { work, statement });
            look(message, work, looks, at..at + 1);
            at += 1;
            continue;
        }
        let group = script.statements[at..range.end.min(at + together)].iter();
        let group = group.take_while(|one| !matches!(one.kind, StatementKind::CopyFromStdin { .. }));
        let end = at + group.count();
        let (place, numbers) = ((statement.start, script.statements[end - 1].end), (at, end));
        if place.1 - place.0 >= PIECE {
            message.end(parts);
            parts.push(Part::Script { work, range: place, statements: numbers });
        } else {
            message.script(work, place, numbers);
        }
        look(message, work, looks, at..end);
        at = end;
    }
}

/// Sends a message with looks in it, and tells what was seen, up to where the message failed.
pub(crate) async fn send(session: &Session, message: &Message<'_>) -> Result<(), Broken> {
    let mut seen: Vec<Seen> = message.marks.iter().map(|_| Seen::default()).collect();
    let keep = |finished: usize, row: &SimpleQueryRow| {
        let index = message.marks.partition_point(|mark| mark.at + QUESTIONS <= finished);
        if let (Some(mark), Some(seen)) = (message.marks.get(index), seen.get_mut(index))
            && finished >= mark.at
        {
            seen.take(row, finished - mark.at);
        }
    };
    let sent = session.send_and_keep(&message.sql, keep).await;
    for (mark, seen) in message.marks.iter().zip(seen) {
        if let (Some(began), Some(ended)) = (seen.began, seen.ended) {
            mark.looks.tell(&Look {
                stem: mark.work.stem.to_owned(),
                direction: mark.work.direction,
                statements: mark.statements.clone(),
                began,
                ended,
                locks: seen.locks,
            });
        }
    }
    sent
}

/// The answers of one look.
#[derive(Default)]
struct Seen {
    began: Option<Duration>,
    ended: Option<Duration>,
    locks: Vec<Locked>,
}

impl Seen {
    /// A row of the question with this number.
    fn take(&mut self, row: &SimpleQueryRow, question: usize) {
        // A script may have set an encoding that is not ours; of numbers and modes that makes nothing else.
        let get = |column: usize| row.try_get(column).ok().flatten();
        let clock = || Duration::try_from_secs_f64(get(0)?.parse().ok()?).ok();
        match question {
            0 => self.began = clock(),
            1 => {
                let oid = get(0).and_then(|oid| oid.parse().ok());
                let mode = get(1).and_then(|modes| modes.split(',').filter_map(LockMode::from_catalog).max());
                if let (Some(oid), Some(mode)) = (oid, mode) {
                    let file = get(2).and_then(|file| file.parse().ok());
                    self.locks.push(Locked { oid, mode, file });
                }
            }
            _ => self.ended = clock(),
        }
    }
}
