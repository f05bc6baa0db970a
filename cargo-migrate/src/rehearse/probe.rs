//! Clients that use the tables all the time, as an application does, and measure how long they are kept waiting: of each
//! table one that reads and one that writes. Neither changes a row, and neither holds a lock for longer than a moment.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use migrate_runtime::{Connection, Database, Error as EngineError, Interrupt};

use super::relations::Relation;

/// More tables than this are not probed: each takes two connections.
pub(super) const MOST: usize = 16;
/// What is shorter is not a wait but the way to the server and back.
const LEAST: Duration = Duration::from_millis(2);
/// The pause of a client where there are few of them.
const PAUSE: Duration = Duration::from_millis(5);
/// All clients together ask no oftener than this.
const EACH: Duration = Duration::from_micros(1500);
/// After an error: the table is gone, or not yet there.
const AFTER_ERROR: Duration = Duration::from_millis(25);

/// One wait of one client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    pub(super) table: u32,
    pub(super) writes: bool,
    pub(super) from: Instant,
    pub(super) to: Instant,
}

/// What the clients share.
#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    clients: AtomicUsize,
    waits: Mutex<Vec<Wait>>,
}

/// The clients.
pub(super) struct Probes {
    database: Database,
    /// Ends what a client waits for.
    end: Interrupt,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    tables: HashMap<u32, String>,
}

impl Probes {
    /// None yet.
    pub(super) fn new(database: Database) -> Self {
        Self {
            database,
            end: Interrupt::new(),
            shared: Arc::default(),
            threads: Vec::new(),
            tables: HashMap::new(),
        }
    }

    /// Begins with a table, unless it is probed already or there are too many.
    pub(super) fn add(&mut self, oid: u32, relation: &Relation) {
        let takes_part = matches!(relation.kind, 'r' | 'p' | 'm');
        if !takes_part || self.tables.contains_key(&oid) || self.tables.len() >= MOST {
            return;
        }
        self.tables.insert(oid, relation.name.clone());
        // A reader locks the indexes too, because a plan might use them.
        self.client(oid, false, format!("SELECT 1 FROM ONLY {} WHERE false", relation.name));
        if relation.kind != 'm' {
            let lock = format!("BEGIN; LOCK TABLE ONLY {} IN ROW EXCLUSIVE MODE; ROLLBACK", relation.name);
            self.client(oid, true, lock);
        }
    }

    fn client(&mut self, table: u32, writes: bool, sql: String) {
        let (database, end, shared) = (self.database.clone(), self.end.clone(), Arc::clone(&self.shared));
        shared.clients.fetch_add(1, Ordering::SeqCst);
        let probe = move || probe(&database, &end, &shared, table, writes, &sql);
        // Without the thread this table is measured by its locks alone.
        if let Ok(thread) = std::thread::Builder::new().name("probe".to_owned()).spawn(probe) {
            self.threads.push(thread);
        }
    }

    /// The tables with clients.
    pub(super) fn tables(&self) -> &HashMap<u32, String> {
        &self.tables
    }

    /// Ends the clients and returns what they waited.
    pub(super) fn stop(mut self) -> (Vec<Wait>, Vec<u32>) {
        self.end_all();
        let waits = std::mem::take(&mut *self.shared.waits.lock().unwrap_or_else(PoisonError::into_inner));
        (waits, self.tables.keys().copied().collect())
    }

    fn end_all(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Nothing that they could wait for is left, unless the run was broken off.
        let patience = Instant::now() + Duration::from_millis(500);
        while Instant::now() < patience && self.threads.iter().any(|thread| !thread.is_finished()) {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.end.trigger(2);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        self.end_all();
    }
}

fn probe(database: &Database, end: &Interrupt, shared: &Shared, table: u32, writes: bool, sql: &str) {
    let going = || !shared.stop.load(Ordering::SeqCst);
    while going() {
        let Ok(connection) = Connection::open(database, "rehearsal: probe", end) else {
            std::thread::sleep(AFTER_ERROR);
            continue;
        };
        while going() {
            let from = Instant::now();
            let answer = connection.rows("probing a table", sql);
            let to = Instant::now();
            match answer {
                Ok(_) => {
                    if to - from >= LEAST {
                        let wait = Wait { table, writes, from, to };
                        shared.waits.lock().unwrap_or_else(PoisonError::into_inner).push(wait);
                    }
                    let clients = shared.clients.load(Ordering::SeqCst);
                    std::thread::sleep(PAUSE.max(EACH * u32::try_from(clients).unwrap_or(u32::MAX)));
                }
                Err(EngineError::Server { .. }) => {
                    if writes {
                        let _ = connection.rows("probing a table", "ROLLBACK");
                    }
                    std::thread::sleep(AFTER_ERROR);
                }
                Err(_) => break,
            }
        }
    }
}
