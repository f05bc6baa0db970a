//! Passing on one direction of one connection.

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::stream::Stream;
use super::wire::{Frame, Framer, Phase};
use super::{Action, Direction, Fault, Record, Shared, When};

/// What the two pumps of a connection share.
#[derive(Debug)]
struct Connection {
    number: usize,
    phase: Phase,
    waiting: std::sync::Mutex<bool>,
}

/// Connects a client to the server and passes on both directions, each on a thread of its own.
pub(super) fn start(shared: &Arc<Shared>, client: TcpStream) -> io::Result<()> {
    let client = Stream::tcp(client)?;
    let server = shared.upstream.connect()?;
    let mut state = shared.state();
    state.traffic.connections += 1;
    let connection = Arc::new(Connection {
        number: state.traffic.connections,
        phase: Phase::default(),
        waiting: std::sync::Mutex::new(false),
    });
    state.connections.push([client.try_clone()?, server.try_clone()?]);
    let ends = [
        (Direction::ToServer, client.try_clone()?, server.try_clone()?),
        (Direction::ToClient, server, client),
    ];
    state.open += 1;
    drop(state);
    for (direction, from, to) in ends {
        let (shared, connection) = (Arc::clone(shared), Arc::clone(&connection));
        std::thread::spawn(move || {
            let framer = Framer::new(from, direction);
            let writer = Writer::new(to, shared.delay);
            Pump { shared: Arc::clone(&shared), connection, direction, swallowing: false, writer }
                .run(framer);
            if direction == Direction::ToServer {
                shared.state().open -= 1;
                shared.changed.notify_all();
            }
        });
    }
    Ok(())
}

struct Pump {
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    direction: Direction,
    swallowing: bool,
    writer: Writer,
}

impl Pump {
    fn run(mut self, mut framer: Framer<Stream>) {
        while let Some(frame) = framer.next(&self.connection.phase) {
            if !self.pass(&frame) {
                self.writer.close();
                return;
            }
        }
        // A network that is gone does not tell that the other side has closed, and a swallowed end is not seen either.
        let state = self.shared.state();
        drop(self.shared.wait_while(state, |state| state.black_hole && !state.closing));
        if !self.swallowing {
            self.writer.finish();
        }
    }

    /// Passes one frame on; false where the connection is over.
    fn pass(&mut self, frame: &Frame) -> bool {
        let Some(fault) = self.note(frame) else { return self.forward(frame, false) };
        match fault.when {
            When::Before => {
                let goes_on = self.act(&fault);
                goes_on && (self.swallowing || self.forward(frame, false))
            }
            When::After => self.forward(frame, true) && self.act(&fault),
        }
    }

    /// Counts a frame and finds the fault that strikes at it. Stands still while the network is gone.
    fn note(&mut self, frame: &Frame) -> Option<Fault> {
        let state = self.shared.state();
        let mut state = self.shared.wait_while(state, |state| state.black_hole && !state.closing);
        let record = Record::new(self.connection.number, self.direction, frame);
        let mut waiting = self.connection.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.traffic.add(self.direction, frame, &mut waiting);
        drop(waiting);
        let number = match self.direction {
            Direction::ToServer => state.traffic.to_server,
            Direction::ToClient => state.traffic.to_client,
        };
        let index = state.faults.iter().position(|fault| fault.strikes(&record, number));
        state.records.push(record);
        index.map(|index| state.faults.remove(index))
    }

    fn forward(&mut self, frame: &Frame, wait: bool) -> bool {
        if self.swallowing {
            return true;
        }
        // What a dead client had written before does not arrive after its death.
        if self.direction == Direction::ToServer && self.shared.state().killed {
            return false;
        }
        self.writer.write(&frame.bytes, wait).is_ok()
    }

    /// Does what a fault says; false where the connection is over.
    fn act(&mut self, fault: &Fault) -> bool {
        let mut state = self.shared.state();
        let goes_on = match fault.action {
            Action::Kill => {
                state = self.shared.wait_while(state, |state| state.target.is_none() && !state.closing);
                if let Some(pid) = state.target.and_then(Pid::from_raw) {
                    let _ = kill_process(pid, Signal::KILL);
                }
                state.killed = true;
                state.cut();
                false
            }
            Action::Cut => {
                state.cut();
                false
            }
            Action::Hold => {
                state.held += 1;
                state.struck += 1;
                self.shared.changed.notify_all();
                let before = state.releases;
                state = self.shared.wait_while(state, |state| state.releases == before && !state.closing);
                state.held -= 1;
                return true;
            }
            Action::Swallow => {
                self.swallowing = true;
                true
            }
        };
        state.struck += 1;
        self.shared.changed.notify_all();
        goes_on
    }
}

/// Writes at once, or later.
enum Writer {
    Now(Stream),
    Later { queue: Sender<Parcel>, stream: Stream, delay: Duration },
}

struct Parcel {
    due: Instant,
    bytes: Vec<u8>,
    delivered: Option<Sender<()>>,
}

impl Writer {
    fn new(stream: Stream, delay: Duration) -> Self {
        if delay.is_zero() {
            return Self::Now(stream);
        }
        // Without a second handle nothing can be delayed; the connection then ends, which a test notices.
        let Ok(mut out) = stream.try_clone() else { return Self::Now(stream) };
        let (queue, parcels) = mpsc::channel::<Parcel>();
        std::thread::spawn(move || {
            for parcel in parcels {
                std::thread::sleep(parcel.due.saturating_duration_since(Instant::now()));
                if out.write_all(&parcel.bytes).is_err() {
                    return;
                }
                drop(parcel.delivered);
            }
            out.finish();
        });
        Self::Later { queue, stream, delay }
    }

    /// Writes; with `wait`, returns only when it is written.
    fn write(&mut self, bytes: &[u8], wait: bool) -> io::Result<()> {
        match self {
            Writer::Now(stream) => stream.write_all(bytes),
            Writer::Later { queue, delay, .. } => {
                let (delivered, done) = mpsc::channel();
                let delivered = wait.then_some(delivered);
                let parcel = Parcel { due: Instant::now() + *delay, bytes: bytes.to_owned(), delivered };
                queue.send(parcel).map_err(io::Error::other)?;
                // The other end is dropped when it is written, or when it never will be.
                if wait {
                    let _ = done.recv();
                }
                Ok(())
            }
        }
    }

    /// Ends the connection.
    fn close(self) {
        match self {
            Writer::Now(stream) | Writer::Later { stream, .. } => stream.close(),
        }
    }

    /// Says that nothing more comes, after all that was written.
    fn finish(self) {
        match self {
            Writer::Now(stream) => stream.finish(),
            Writer::Later { queue, .. } => drop(queue),
        }
    }
}
