//! For how long a run holds which table locks, made out from many looks at `pg_locks`.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use migrate_runtime::rehearsal::LockMode;

/// One lock in one look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// The table; of an index, its table.
    pub(super) table: u32,
    pub(super) mode: LockMode,
    /// For how long it has been waited for; `None` where it is held.
    pub(super) waiting: Option<Duration>,
}

/// What became of a table in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hold {
    pub(super) table: u32,
    /// The strongest mode that was held, or else asked for.
    pub(super) mode: LockMode,
    /// For how long at a stretch, up to the commit; zero where it was never had.
    pub(super) held: Duration,
    /// For how long at a stretch nobody could read, since the lock was asked for: whoever comes then queues behind it.
    pub(super) readers: Option<Duration>,
    /// The same of writing.
    pub(super) writers: Option<Duration>,
}

/// What goes on for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Held(LockMode),
    Asked(LockMode),
    NoReading,
    NoWriting,
}

/// The looks at one step.
#[derive(Debug, Default)]
pub(super) struct Holds {
    open: HashMap<(u32, State), Instant>,
    longest: HashMap<(u32, State), Duration>,
}

impl Holds {
    /// Takes in a look. What was there in the last one and is not any more ended in between: it counts up to now.
    pub(super) fn look(&mut self, now: Instant, seen: &[Seen]) {
        let mut there: HashMap<(u32, State), Instant> = HashMap::new();
        for one in seen {
            let since = one.waiting.and_then(|waiting| now.checked_sub(waiting)).unwrap_or(now);
            let state = if one.waiting.is_some() { State::Asked(one.mode) } else { State::Held(one.mode) };
            let blocks =
                [(State::NoReading, one.mode.blocks_reads()), (State::NoWriting, one.mode.blocks_writes())];
            let blocks = blocks.into_iter().filter(|(_, does)| *does).map(|(state, _)| state);
            for state in blocks.chain([state]) {
                let first = there.entry((one.table, state)).or_insert(since);
                *first = (*first).min(since);
            }
        }
        self.open.retain(|key, since| {
            let stays = there.contains_key(key);
            if !stays {
                keep(&mut self.longest, *key, now.saturating_duration_since(*since));
            }
            stays
        });
        for (key, since) in there {
            self.open.entry(key).or_insert(since);
        }
    }

    /// Something of ours held the run up for so long, which is not to count.
    pub(super) fn pause(&mut self, pause: Duration) {
        for since in self.open.values_mut() {
            *since += pause;
        }
    }

    /// The end of the step: what was there last is gone.
    pub(super) fn end(mut self, now: Instant) -> Vec<Hold> {
        self.look(now, &[]);
        let mut tables: Vec<u32> = self.longest.keys().map(|(table, _)| *table).collect();
        tables.sort_unstable();
        tables.dedup();
        tables.into_iter().filter_map(|table| self.of(table)).collect()
    }

    fn of(&self, table: u32) -> Option<Hold> {
        let get = |state| self.longest.get(&(table, state)).copied();
        let strongest = |state: fn(LockMode) -> State| {
            LockMode::ALL.into_iter().rev().find_map(|mode| Some((mode, get(state(mode))?)))
        };
        let (mode, held) = strongest(State::Held)
            .or_else(|| strongest(State::Asked).map(|(mode, _)| (mode, Duration::ZERO)))?;
        Some(Hold { table, mode, held, readers: get(State::NoReading), writers: get(State::NoWriting) })
    }
}

fn keep(longest: &mut HashMap<(u32, State), Duration>, key: (u32, State), duration: Duration) {
    let most = longest.entry(key).or_default();
    *most = (*most).max(duration);
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn held(table: u32, mode: LockMode) -> Seen {
        Seen { table, mode, waiting: None }
    }

    #[test]
    fn a_lock_is_held_from_the_look_that_sees_it_to_the_one_that_does_not() {
        let start = Instant::now();
        let mut holds = Holds::default();
        holds.look(start, &[held(1, LockMode::Share)]);
        holds.look(start + MS(10), &[held(1, LockMode::Share), held(1, LockMode::AccessExclusive)]);
        holds.look(start + MS(30), &[held(1, LockMode::Share), held(1, LockMode::AccessExclusive)]);
        holds.look(start + MS(40), &[]);
        // Tried again, for a shorter time.
        holds.look(start + MS(50), &[held(1, LockMode::AccessExclusive)]);
        let found = holds.end(start + MS(55));
        let hold = Hold {
            table: 1,
            mode: LockMode::AccessExclusive,
            held: MS(30),
            readers: Some(MS(30)),
            writers: Some(MS(40)),
        };
        assert_eq!(found, [hold]);
    }

    #[test]
    fn others_queue_behind_a_lock_that_is_only_asked_for() {
        let start = Instant::now() + MS(1000);
        let mut holds = Holds::default();
        let waiting = |ms| Seen { table: 2, mode: LockMode::AccessExclusive, waiting: Some(MS(ms)) };
        holds.look(start, &[waiting(100)]);
        holds.look(start + MS(5), &[held(2, LockMode::AccessExclusive)]);
        let found = holds.end(start + MS(25));
        assert_eq!((found[0].held, found[0].readers), (MS(20), Some(MS(125))));
        // Never had.
        let mut holds = Holds::default();
        holds.look(start, &[waiting(0)]);
        let found = holds.end(start + MS(7));
        assert_eq!((found[0].mode, found[0].held), (LockMode::AccessExclusive, MS(0)));
        assert_eq!(found[0].writers, Some(MS(7)));
    }

    #[test]
    fn what_we_held_up_ourselves_does_not_count() {
        let start = Instant::now();
        let mut holds = Holds::default();
        holds.look(start, &[held(1, LockMode::AccessShare)]);
        holds.pause(MS(4));
        let found = holds.end(start + MS(10));
        assert_eq!((found[0].held, found[0].readers, found[0].writers), (MS(6), None, None));
    }
}
