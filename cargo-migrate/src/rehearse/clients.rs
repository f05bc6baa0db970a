//! Clients that run a workload over and over while the migrations run, and measure what that does to them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use migrate_core::sql::mask_text;
use migrate_runtime::{Connection, Database, Error as EngineError, Interrupt};

use super::latency::Latency;
use super::workload::{Unit, Workload};

/// After a connection that could not be had.
const AFTER_ERROR: Duration = Duration::from_millis(50);
/// Who is in the middle of a query gets so long to come to its end.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the migrations are doing meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing yet: what it takes otherwise.
    Before = 0,
    Up = 1,
    Down = 2,
}

const PHASES: usize = 3;

/// What clients met.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoadReport {
    /// The file of the workload.
    pub(crate) file: String,
    pub(crate) clients: usize,
    /// How long statements took, by [`Phase`].
    pub(crate) latency: [Latency; PHASES],
    /// By SQLSTATE and line.
    pub(crate) errors: Vec<LoadError>,
}

/// The same error at the same line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoadError {
    /// `08006` where the connection broke.
    pub(crate) code: String,
    /// Of the file, from 1.
    pub(crate) line: usize,
    pub(crate) count: u64,
    /// What the server said first.
    pub(crate) message: String,
    /// When it was first met.
    pub(crate) phase: Phase,
}

impl LoadReport {
    /// How many statements failed.
    pub(crate) fn failed(&self) -> u64 {
        self.errors.iter().map(|error| error.count).sum()
    }

    /// How many of them were victims of a deadlock.
    pub(crate) fn deadlocks(&self) -> u64 {
        self.errors.iter().filter(|error| error.code == "40P01").map(|error| error.count).sum()
    }
}

/// The clients at work.
pub(super) struct Clients {
    shared: Arc<Shared>,
    end: Interrupt,
    threads: Vec<JoinHandle<Met>>,
    file: String,
}

struct Shared {
    stop: AtomicBool,
    /// When applying began, and when rolling back did.
    turns: Mutex<[Option<Instant>; 2]>,
    workload: Workload,
    /// Between the starts of two units of one client.
    pause: Option<Duration>,
}

impl Shared {
    /// The phase that a statement has most of its time in: what waited for a migration belongs to that, whatever the run
    /// is at when the answer is read.
    fn phase(&self, began: Instant, ended: Instant) -> Phase {
        let [up, down] = *self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let up = up.unwrap_or(ended).clamp(began, ended);
        let down = down.unwrap_or(ended).clamp(up, ended);
        let times = [(Phase::Before, up - began), (Phase::Up, down - up), (Phase::Down, ended - down)];
        times.into_iter().max_by_key(|(_, time)| *time).map_or(Phase::Before, |(phase, _)| phase)
    }
}

/// What one client met.
#[derive(Default)]
struct Met {
    latency: [Latency; PHASES],
    errors: BTreeMap<(String, usize), LoadError>,
}

impl Met {
    fn error(&mut self, line: usize, phase: Phase, error: &EngineError) {
        let (code, message) = match error {
            EngineError::Server { source, .. } => match source.as_db_error() {
                Some(said) => (said.code().code().to_owned(), mask_text(said.message()).into_owned()),
                None => ("08006".to_owned(), source.to_string()),
            },
            other => ("08006".to_owned(), other.to_string()),
        };
        let known = self.errors.entry((code.clone(), line));
        known.or_insert(LoadError { code, line, count: 0, message, phase }).count += 1;
    }
}

impl Clients {
    /// Starts so many; all of them together run `rate` units a second at most.
    pub(super) fn start(database: &Database, workload: &Workload, number: usize, rate: Option<u32>) -> Self {
        let share = |rate: u32| Duration::from_secs_f64(number as f64 / f64::from(rate.max(1)));
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            turns: Mutex::default(),
            workload: workload.clone(),
            pause: rate.map(share),
        });
        let end = Interrupt::new();
        let threads = (0..number).filter_map(|number| {
            let (database, shared, end) = (database.clone(), Arc::clone(&shared), end.clone());
            let work = move || work(&database, &shared, &end, number);
            std::thread::Builder::new().name("load".to_owned()).spawn(work).ok()
        });
        Self { threads: threads.collect(), shared, end, file: workload.file.clone() }
    }

    /// From now on what they meet is met in this phase.
    pub(super) fn enter(&self, phase: Phase) {
        let mut turns = self.shared.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = (phase as usize).checked_sub(1).and_then(|index| turns.get_mut(index)) {
            *turn = Some(Instant::now());
        }
    }

    /// Ends them.
    pub(super) fn stop(mut self) -> LoadReport {
        let clients = self.threads.len();
        let mut report = LoadReport { file: self.file.clone(), clients, ..LoadReport::default() };
        let mut errors: BTreeMap<(String, usize), LoadError> = BTreeMap::new();
        for met in self.end_all() {
            report.latency.iter_mut().zip(&met.latency).for_each(|(all, one)| all.merge(one));
            for (key, error) in met.errors {
                let known = errors.entry(key).or_insert(LoadError { count: 0, ..error.clone() });
                known.count += error.count;
            }
        }
        report.errors = errors.into_values().collect();
        report.errors.sort_by_key(|error| std::cmp::Reverse(error.count));
        report
    }

    fn end_all(&mut self) -> Vec<Met> {
        self.shared.stop.store(true, Ordering::SeqCst);
        let patience = Instant::now() + PATIENCE;
        while Instant::now() < patience && self.threads.iter().any(|thread| !thread.is_finished()) {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.end.trigger(2);
        self.threads.drain(..).filter_map(|thread| thread.join().ok()).collect()
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.end_all();
    }
}

fn work(database: &Database, shared: &Shared, end: &Interrupt, number: usize) -> Met {
    let mut met = Met::default();
    let going = || !shared.stop.load(Ordering::SeqCst) && end.triggered().is_none();
    // Each begins elsewhere in the file, so that they do not march in step.
    let mut units = shared.workload.units.iter().cycle().skip(number % shared.workload.units.len().max(1));
    while going() {
        let Ok(connection) = Connection::open(database, "rehearsal: load", end) else {
            std::thread::sleep(AFTER_ERROR);
            continue;
        };
        while going() && !connection.is_closed() {
            let Some(unit) = units.next() else { return met };
            let began = Instant::now();
            run(&connection, unit, shared, end, &mut met);
            if let Some(pause) = shared.pause {
                std::thread::sleep(pause.saturating_sub(began.elapsed()).min(Duration::from_secs(1)));
            }
        }
    }
    met
}

fn run(connection: &Connection, unit: &Unit, shared: &Shared, end: &Interrupt, met: &mut Met) {
    for (line, sql) in &unit.statements {
        let began = Instant::now();
        let answer = connection.rows("running the workload", sql);
        let ended = Instant::now();
        let phase = shared.phase(began, ended);
        if end.triggered().is_some() {
            return;
        }
        met.latency[phase as usize].add(ended - began);
        if let Err(error) = answer {
            met.error(*line, phase, &error);
            // The rest of a transaction that failed is refused anyway.
            if unit.statements.len() > 1 {
                let _ = connection.rows("running the workload", "ROLLBACK");
            }
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by the suite: the run was at the next phase when the answer that had waited for the last one was read.
    #[test]
    fn a_wait_belongs_to_the_phase_that_it_was_in() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let shared = Shared {
            stop: AtomicBool::new(false),
            turns: Mutex::new([Some(at(100)), Some(at(400))]),
            workload: Workload { file: String::new(), units: vec![] },
            pause: None,
        };
        for (began, ended, phase) in
            [(0, 50, Phase::Before), (90, 401, Phase::Up), (120, 410, Phase::Up), (390, 450, Phase::Down)]
        {
            assert_eq!(shared.phase(at(began), at(ended)), phase, "{began} {ended}");
        }
        let shared = Shared { turns: Mutex::default(), ..shared };
        assert_eq!(shared.phase(at(0), at(500)), Phase::Before);
    }

    #[test]
    fn clients_measure_and_count_errors_by_code_and_line() {
        let scratch = migrate_testing::scratch().unwrap();
        let database = Database::resolve(Some(scratch.url()), &|_| None).unwrap();
        let mut client = scratch.connect().unwrap();
        client.batch_execute("CREATE TABLE t (id int)").unwrap();
        let statement = |line: usize, sql: &str| (line, sql.to_owned());
        let units = vec![
            Unit { line: 1, statements: vec![statement(1, "SELECT count(*) FROM t")] },
            Unit {
                line: 2,
                statements: vec![
                    statement(2, "BEGIN"),
                    statement(3, "SELECT 1/id FROM t"),
                    statement(4, "COMMIT"),
                ],
            },
        ];
        let workload = Workload { file: "q.sql".to_owned(), units };
        workload.try_once(&database, &Interrupt::new()).unwrap();
        let clients = Clients::start(&database, &workload, 2, Some(2000));
        let wait = |sql: &str| {
            let started = Instant::now();
            while !scratch.connect().unwrap().query_one(sql, &[]).unwrap().get::<_, bool>(0) {
                assert!(started.elapsed() < Duration::from_secs(20), "{sql}");
            }
        };
        wait("SELECT count(*) = 2 FROM pg_stat_activity WHERE application_name = 'rehearsal: load'");
        clients.enter(Phase::Up);
        // They wait for a lock, and then divide by zero.
        let mut transaction = client.transaction().unwrap();
        transaction.batch_execute("LOCK TABLE t; INSERT INTO t VALUES (0)").unwrap();
        wait("SELECT count(*) = 2 FROM pg_locks WHERE NOT granted");
        std::thread::sleep(Duration::from_millis(200));
        transaction.commit().unwrap();
        wait(
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'rehearsal: load' AND query = 'ROLLBACK'",
        );
        let report = clients.stop();
        assert_eq!(report.clients, 2);
        let [before, up, down] = &report.latency;
        assert!(
            before.count() > 0 && up.max() >= Duration::from_millis(200) && down.count() == 0,
            "{report:?}"
        );
        let [error] = report.errors.as_slice() else { panic!("{:?}", report.errors) };
        assert_eq!((error.code.as_str(), error.line, error.phase), ("22012", 3, Phase::Up));
        assert!(error.count > 0 && report.failed() == error.count && report.deadlocks() == 0);
        let refused = workload.try_once(&database, &Interrupt::new()).unwrap_err();
        assert!(
            refused.to_string().starts_with("q.sql:3: fails before any migration: division by zero"),
            "{refused}"
        );
    }
}
