//! A proxy between a client and a server that counts what they say and breaks it where a test wants it broken.
//!
//! It frames both directions of PostgreSQL's protocol (manual, "Message Formats"), so "after the fifth message" and
//! "before the answer to COMMIT" are exact places, the same in each run. One thread a direction; a message is forwarded
//! whole or not at all. Inside TLS nothing can be framed: bytes are passed on and counted.

mod fault;
mod pump;
mod stream;
mod traffic;
mod wire;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use fault::{Action, Fault, Trigger, When, points};
pub use stream::Upstream;
pub use traffic::{Direction, Record, Traffic};

use crate::wait::PATIENCE;
use stream::Stream;

/// A proxy that listens on a port of 127.0.0.1. Dropped, it cuts everything.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What the threads of a proxy have in common.
#[derive(Debug)]
struct Shared {
    upstream: Upstream,
    delay: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    records: Vec<Record>,
    traffic: Traffic,
    faults: Vec<Fault>,
    /// How many faults have struck.
    struck: usize,
    /// Who [`Action::Kill`] kills.
    target: Option<i32>,
    /// The target is dead: nothing that it wrote before goes on to the server.
    killed: bool,
    /// How many messages are held, and how often somebody said to let go.
    held: usize,
    releases: usize,
    black_hole: bool,
    closing: bool,
    /// How many connections may still have something of their client's in them.
    open: usize,
    connections: Vec<[Stream; 2]>,
}

impl Proxy {
    /// Starts a proxy.
    ///
    /// # Panics
    ///
    /// Where it cannot listen.
    pub fn start(upstream: Upstream) -> Self {
        Self::with_delay(upstream, Duration::ZERO)
    }

    /// Starts a proxy that delivers everything this much later, in each direction. What is sent meanwhile is not held
    /// up: latency, not bandwidth.
    ///
    /// # Panics
    ///
    /// Where it cannot listen.
    pub fn with_delay(upstream: Upstream, delay: Duration) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            upstream,
            delay,
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.state().closing {
                    return;
                }
                // A server that is down is a connection that ends at once.
                let _ = client.and_then(|client| pump::start(&accepting, client));
            }
        });
        Self { address, shared }
    }

    /// The URL of a database through this proxy.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.address.port())
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Adds a fault. Each strikes once.
    pub fn arm(&self, fault: Fault) {
        self.shared.state().faults.push(fault);
    }

    /// Names the process that [`Action::Kill`] kills. A fault that strikes before it is known waits for it.
    pub fn target(&self, pid: i32) {
        self.shared.state().target = Some(pid);
        self.shared.changed.notify_all();
    }

    /// Whether every fault has struck.
    pub fn struck(&self) -> bool {
        self.shared.state().faults.is_empty()
    }

    /// Waits until everything that clients which are gone had written has been read: a process ends before its last
    /// message has come through.
    ///
    /// # Panics
    ///
    /// After 30 seconds.
    #[track_caller]
    pub fn wait_drained(&self) {
        self.wait("the connections to end", |state| state.open == 0);
    }

    /// Waits until a message is held.
    ///
    /// # Panics
    ///
    /// After 30 seconds.
    #[track_caller]
    pub fn wait_held(&self) {
        self.wait("a message to be held", |state| state.held > 0);
    }

    /// Waits until `count` faults have struck.
    ///
    /// # Panics
    ///
    /// After 30 seconds, with everything that was said.
    #[track_caller]
    pub fn wait_struck(&self, count: usize) {
        self.wait("a fault to strike", |state| state.struck >= count);
    }

    /// Lets go of everything that is held.
    pub fn release(&self) {
        self.shared.state().releases += 1;
        self.shared.changed.notify_all();
    }

    /// Stops (or resumes) passing anything on, in both directions, without closing anything: a network that is gone.
    pub fn black_hole(&self, on: bool) {
        self.shared.state().black_hole = on;
        self.shared.changed.notify_all();
    }

    /// Cuts every connection that there is. New ones are taken.
    pub fn cut(&self) {
        self.shared.state().cut();
    }

    /// What went through so far.
    pub fn traffic(&self) -> Traffic {
        self.shared.state().traffic
    }

    /// Every message so far.
    pub fn records(&self) -> Vec<Record> {
        self.shared.state().records.clone()
    }

    /// Every message so far, one a line: what a failing test prints.
    pub fn transcript(&self) -> String {
        self.shared.state().transcript()
    }

    /// Counts from zero again, for faults too.
    pub fn reset(&self) {
        let mut state = self.shared.state();
        state.records.clear();
        state.traffic = Traffic::default();
    }

    #[track_caller]
    fn wait(&self, what: &str, mut done: impl FnMut(&State) -> bool) {
        let start = Instant::now();
        let mut state = self.shared.state();
        while !done(&state) {
            let left = PATIENCE.checked_sub(start.elapsed());
            let left =
                left.unwrap_or_else(|| panic!("waited {PATIENCE:?} for {what}:\n{}", state.transcript()));
            state = self.shared.wait(state, left);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.closing = true;
        state.cut();
        drop(state);
        self.shared.changed.notify_all();
        // The thread that accepts sees the sign when somebody knocks.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Waits without an end of its own: a test that forgets to let go ends with its proxy.
    fn wait_while<'a>(
        &self,
        state: MutexGuard<'a, State>,
        condition: impl FnMut(&mut State) -> bool,
    ) -> MutexGuard<'a, State> {
        self.changed.wait_while(state, condition).unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn cut(&mut self) {
        for stream in self.connections.drain(..).flatten() {
            stream.close();
        }
    }

    fn transcript(&self) -> String {
        self.records.iter().map(|record| format!("{record}\n")).collect()
    }
}
