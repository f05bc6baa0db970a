//! One statement outside of any transaction: looked at while it waits, and by what is different behind it.

use std::collections::HashMap;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};

use super::gate::{Gate, gates};
use super::ledger::{Effects, Ledger};
use super::relations::{FIRST_OID, Known, Relations};
use super::stage::Stage;
use super::{LockMode, TableLock};
use crate::Error;
use crate::journal::Manner;
use crate::message::{Message, Part, Work};
use crate::session::Session;
use crate::transactional::{Refused, send};

/// How long something may stand in the way of a statement that has not run into it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a statement may stand before something of ours. Longer than our patience.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '60s'";
/// How often a look is taken: soon at first, most statements run into the first gate at once.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const SLOWEST_LOOK: Duration = Duration::from_millis(50);

/// Runs it and measures it.
pub(super) async fn run(
    stage: &mut Stage,
    ledger: &mut Ledger,
    work: Work<'_>,
    index: usize,
) -> Result<(Duration, Effects), Error> {
    let statement = work.script.statements[index];
    let before = Relations::all(stage.observer().await?).await?;
    let scans_before = scans(stage).await?;
    let gates = gates(&stage.work, work, &statement).await?;
    // All connections first, one more than gates: nothing may fail between the first gate that is closed and the last
    // that is opened.
    let spare = gates.len() + 1;
    if !gates.is_empty() {
        stage.other(if gates.iter().any(Gate::is_of_many) { spare } else { gates.len() }).await?;
    }
    let mut closed = Vec::new();
    for (number, gate) in (1..).zip(gates) {
        let (Some(sql), Some(session)) = (gate.sql(&before, &[]), stage.opened(number)) else { continue };
        // A gate that cannot be closed is none: nothing is measured then, and nothing else is different.
        if session.query(&sql).await.is_ok() {
            closed.push((number, gate));
        } else {
            open(session).await;
        }
    }
    let mut parts = stage.statement(work, index, Manner::Bare);
    if !closed.is_empty() {
        // It waits because of us, which must not count: between the limit of a run and the statement.
        let mut message = Message::default();
        message.own(LOCK_TIMEOUT, 1);
        parts.insert(1, Part::Message(message));
    }
    let since = Instant::now();
    let (result, modes, waited) = watched(stage, &parts, closed, spare, &before).await;
    let duration = since.elapsed().saturating_sub(waited);
    if let Err(refused) = result {
        return Err(stage.rolled_back(work, &parts, refused).await);
    }
    let scans_after = scans(stage).await?;
    let after = Relations::all(stage.observer().await?).await?;
    let mut effects = compare(ledger, &before, &after);
    effects.locks = locks(ledger, &before, &modes);
    for (oid, count) in scans_after {
        let more = count > scans_before.get(&oid).copied().unwrap_or(0);
        if let Some(known) = before.get(oid).filter(|known| more && known.is_told() && !ledger.is_new(oid)) {
            effects.scanned.push(before.named(known, false));
        }
    }
    Ok((duration, effects.sorted()))
}

/// The modes of the locks that were held or waited for, by relation.
type Modes = HashMap<u32, LockMode>;

/// Runs the statement, and opens each gate when the statement stands before it and was looked at. Says too how long it
/// stood there.
async fn watched(
    stage: &Stage,
    parts: &[Part<'_>],
    mut closed: Vec<(usize, Gate)>,
    mut spare: usize,
    relations: &Relations,
) -> (Result<(), Refused>, Modes, Duration) {
    let (mut modes, mut waited) = (Modes::new(), Duration::ZERO);
    let mut passed: Vec<u32> = Vec::new();
    let result = {
        let mut running = pin!(send(&stage.work, parts));
        let (started, mut pause) = (Instant::now(), FIRST_LOOK);
        loop {
            if closed.is_empty() {
                break running.await;
            }
            if let Either::Left((result, _)) = select(running.as_mut(), pin!(tokio::time::sleep(pause))).await
            {
                break result;
            }
            pause = (pause * 2).min(SLOWEST_LOOK);
            let looked = match stage.opened(0) {
                Some(observer) => look(observer, stage.pid).await,
                None => None,
            };
            let patient = started.elapsed() < PATIENCE;
            let Some(Look { blockers, modes: seen, stood }) = looked.filter(|_| patient) else {
                for (number, _) in closed.drain(..) {
                    release(stage, number).await;
                }
                continue;
            };
            let before_it = closed.iter().position(|(number, _)| {
                stage
                    .opened(*number)
                    .and_then(|gate| gate.greeted_by)
                    .is_some_and(|pid| blockers.contains(&pid))
            });
            let Some(at) = before_it else { continue };
            let (number, gate) = closed.remove(at);
            for (oid, mode) in seen {
                let strongest = modes.entry(oid).or_insert(mode);
                *strongest = (*strongest).max(mode);
                let table = relations.get(oid).and_then(|known| known.table).unwrap_or(oid);
                passed.push(table);
            }
            waited += stood;
            // A statement that takes one table after the other has to meet one before the next too: it is closed before
            // this one opens, or the statement would be through.
            if let (Some(sql), Some(session)) = (gate.sql(relations, &passed), stage.opened(spare)) {
                if session.query(&sql).await.is_ok() {
                    closed.push((spare, gate));
                    spare = number;
                } else {
                    open(session).await;
                }
            }
            release(stage, number).await;
            pause = FIRST_LOOK;
        }
    };
    for (number, _) in closed {
        release(stage, number).await;
    }
    (result, modes, waited)
}

async fn release(stage: &Stage, number: usize) {
    if let Some(session) = stage.opened(number) {
        open(session).await;
    }
}

/// Opens a gate. Where that fails its connection is gone, and the gate with it.
async fn open(session: &Session) {
    let _ = session.query("ROLLBACK").await;
}

/// Whom the process waits for, and what it holds or waits for itself. The order matters: while somebody of ours is in its
/// way it stays there until we let it go.
async fn look(observer: &Session, pid: i32) -> Option<Look> {
    let sql = format!(
        "SELECT pg_catalog.array_to_string(pg_catalog.pg_blocking_pids({pid}), ','), \
         (SELECT pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - pg_catalog.min(waitstart)) \
         FROM pg_catalog.pg_locks WHERE pid = {pid} AND NOT granted); \
         SELECT relation, mode FROM pg_catalog.pg_locks \
         WHERE pid = {pid} AND locktype = 'relation' AND relation >= {FIRST_OID}"
    );
    let rows = observer.query(&sql).await.ok()?;
    let mut rows = rows.iter();
    let first = rows.next()?;
    let blockers = first.text(0).split(',').filter_map(|pid| pid.parse().ok()).collect();
    let stood = first.number::<f64>(1).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let modes = rows.filter_map(|row| Some((row.number(0)?, LockMode::from_catalog(row.get(1)?)?)));
    Some(Look { blockers, modes: modes.collect(), stood: stood.unwrap_or_default() })
}

/// What a look at a process saw.
struct Look {
    /// Whom it waits for.
    blockers: Vec<i32>,
    /// The locks that it holds or waits for.
    modes: Vec<(u32, LockMode)>,
    /// For how long it has waited.
    stood: Duration,
}

/// How often each table was scanned. Before version 15 other sessions learn of it late, and the own one has only what it
/// has not reported yet: a scan of a statement that takes half a second or more can be missed there.
async fn scans(stage: &Stage) -> Result<HashMap<u32, u64>, Error> {
    let reported = if stage.major() >= 15 { "pg_catalog.pg_stat_get_numscans(c.oid)" } else { "0" };
    let sql = format!(
        "SELECT c.oid, coalesce({reported}, 0) + coalesce(pg_catalog.pg_stat_get_xact_numscans(c.oid), 0) \
         FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'm') AND c.oid >= {FIRST_OID}"
    );
    let rows = stage.work.ask("looking at the tables of the scratch database", &sql).await?;
    Ok(rows.iter().filter_map(|row| Some((row.number(0)?, row.number(1)?))).collect())
}

/// New files of what was there before the script, and new indexes on it.
fn compare(ledger: &mut Ledger, before: &Relations, after: &Relations) -> Effects {
    let mut effects = Effects::default();
    let told = |known: &Known| match known.table {
        Some(table) => before.get(table).is_some_and(Known::is_told) && !ledger.is_new(table),
        None => known.is_told(),
    };
    let mut built = Vec::new();
    for (oid, now) in after.0.iter().filter(|(_, now)| matches!(now.kind, 'r' | 'm' | 'i') && told(now)) {
        match before.get(*oid) {
            Some(old) if now.file != old.file && !ledger.is_new(*oid) => {
                effects.rewritten.push(before.named(old, false));
            }
            Some(_) => {}
            None if now.is_index() => built.push(now),
            None => {}
        }
    }
    let files: Vec<_> =
        before.0.values().filter(|known| known.is_index()).filter_map(|known| known.file).collect();
    for index in built {
        if index.file.is_some_and(|file| !files.contains(&file) && ledger.built(file)) {
            effects.built.push(after.named(index, true));
        }
    }
    effects
}

/// The locks by table.
fn locks(ledger: &Ledger, before: &Relations, modes: &Modes) -> Vec<TableLock> {
    let mut locks: HashMap<u32, LockMode> = HashMap::new();
    for (oid, mode) in modes {
        let Some(known) = before.get(*oid) else { continue };
        let strongest = locks.entry(known.table.unwrap_or(*oid)).or_insert(*mode);
        *strongest = (*strongest).max(*mode);
    }
    let told = |(oid, mode): (u32, LockMode)| {
        let table = before.get(oid).filter(|table| table.is_told())?;
        Some(TableLock { table: before.named(table, ledger.is_new(oid)), mode })
    };
    locks.into_iter().filter_map(told).collect()
}
