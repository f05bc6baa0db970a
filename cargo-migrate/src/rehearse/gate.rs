//! Stands in the run's way for a moment at the end of each migration, so that every lock that it holds can be seen, also
//! those that it took a millisecond ago.
//!
//! A run writes its line into the audit log as the last thing before the commit. A lock on the log lets it wait there
//! until it was looked at; for how long it stood there is known (`pg_locks.waitstart`) and taken off what is reported.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use migrate_runtime::{Connection, Database, Error as EngineError, Event, HistoryTable, Interrupt};

const NAME: &str = "rehearsal: gate";

/// Whether an event says no more than that the run stands at the gate: which is our doing, and no wait to tell of.
pub(super) fn is_at(event: &Event) -> bool {
    match event {
        Event::Running { blockers, .. } => {
            blockers.iter().any(|blocker| blocker.application.as_deref() == Some(NAME))
        }
        _ => false,
    }
}

/// A gate that cannot be closed for so long is left open for now.
const PATIENCE: Duration = Duration::from_secs(2);

/// The gate, which a thread opens and closes.
pub(super) struct Gate {
    /// Each is answered when the gate has been opened.
    orders: Option<Sender<Sender<()>>>,
    end: Interrupt,
    thread: Option<JoinHandle<()>>,
}

impl Gate {
    /// Connects; closes the gate on its own thread.
    pub(super) fn new(database: &Database, history: &HistoryTable) -> Result<Self, EngineError> {
        let end = Interrupt::new();
        let connection = Connection::open(database, NAME, &end)?;
        let (orders, wanted) = mpsc::channel();
        let log = history.log_quoted();
        let keep = move || keep(&connection, &log, &wanted);
        let thread = std::thread::Builder::new().name("gate".to_owned()).spawn(keep).ok();
        Ok(Self { orders: Some(orders), end, thread })
    }

    /// Lets the run go on. The gate closes behind it.
    pub(super) fn open(&self) {
        let (opened, wait) = mpsc::channel();
        if self.orders.as_ref().is_some_and(|orders| orders.send(opened).is_ok()) {
            let _ = wait.recv_timeout(PATIENCE);
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.orders = None;
        self.end.trigger(2);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn keep(connection: &Connection, log: &str, orders: &Receiver<Sender<()>>) {
    // It waits for the commit of the migration that was just let through, and for nobody longer than our patience: what a
    // run writes from two sessions at a time must not stand still between them.
    let close = format!(
        "BEGIN; SET LOCAL lock_timeout = {}; LOCK TABLE {log} IN SHARE MODE; \
         SET LOCAL idle_in_transaction_session_timeout = 0",
        PATIENCE.as_millis()
    );
    let doing = "holding the end of a migration up";
    loop {
        let is_closed = match connection.rows(doing, &close) {
            Ok(_) => true,
            Err(EngineError::Server { .. }) => false,
            Err(_) => return,
        };
        let order = match is_closed {
            true => orders.recv().ok(),
            false => None,
        };
        if connection.rows(doing, "ROLLBACK").is_err() || is_closed && order.is_none() {
            return;
        }
        if let Some(opened) = order {
            let _ = opened.send(());
        }
    }
}
