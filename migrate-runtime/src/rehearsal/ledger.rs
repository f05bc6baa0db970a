//! What is known of a script so far, and what each of its statements adds: locks, new files, scans, indexes.

use std::collections::{HashMap, HashSet};

use super::relations::{COLUMNS, FIRST_OID, JOIN, Known, Relations, read};
use super::{LockMode, Relation, TableLock};
use crate::Error;
use crate::session::{Row, Session};

/// What one statement did.
#[derive(Clone, Debug, Default)]
pub(super) struct Effects {
    pub locks: Vec<TableLock>,
    pub rewritten: Vec<Relation>,
    pub scanned: Vec<Relation>,
    pub built: Vec<Relation>,
}

impl Effects {
    /// In an order that does not depend on hash tables: the strongest lock first, then by name.
    pub fn sorted(mut self) -> Self {
        self.locks.sort_by(|a, b| b.mode.cmp(&a.mode).then_with(|| a.table.cmp(&b.table)));
        self.rewritten.sort();
        self.scanned.sort();
        self.built.sort();
        self
    }
}

/// What is known of a script so far.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The newest relation that was there before the script. OIDs are given out in order, so that what is above was made
    /// by the script; what is below too, after four thousand million of them: there the observer decides.
    last_old: u32,
    /// The newest relation so far: of those that the script made only the ones above are of interest, and a script that
    /// makes a thousand tables is not asked a thousand times for all of them.
    last_new: u32,
    /// What was there before, as far as a statement touched it, with its file of now.
    old: Relations,
    /// What was not there, though its OID is small.
    not_old: HashSet<u32>,
    /// The files of all indexes that were seen.
    index_files: HashSet<u32>,
    /// The strongest lock that the transaction holds on each table.
    held: HashMap<u32, LockMode>,
    /// How often each table was scanned.
    scans: HashMap<u32, u64>,
    /// What the last answers said of each relation from before the script, word for word.
    told: HashMap<u32, String>,
}

/// From so many relations on the server is told what is known already. Below, that costs more than it saves.
const FEW: usize = 64;

/// The counts of scans that the session has not reported yet: a transaction starts from there.
/// `pg_stat_xact_all_tables` has the same numbers, and asks for those of every table and index.
pub(super) fn scans_before() -> String {
    format!(
        "SELECT c.oid, pg_catalog.pg_stat_get_xact_numscans(c.oid) FROM pg_catalog.pg_class c \
         WHERE c.relkind IN ('r', 'm') AND c.oid >= {FIRST_OID} \
         AND pg_catalog.pg_stat_get_xact_numscans(c.oid) > 0"
    )
}

impl Ledger {
    /// At the beginning of a script.
    pub async fn open(observer: &Session) -> Result<Self, Error> {
        let sql = "SELECT pg_catalog.max(oid) FROM pg_catalog.pg_class";
        let rows = observer.ask("looking at the tables of the scratch database", sql).await?;
        let last_old = rows.first().and_then(|row| row.number(0)).unwrap_or(FIRST_OID);
        Ok(Self { last_old, last_new: last_old, ..Self::default() })
    }

    /// A transaction begins, with the answer to [`scans_before`].
    pub fn begin<'r>(&mut self, rows: impl Iterator<Item = Row<'r>>) {
        self.committed();
        self.scans = rows.filter_map(|row| Some((row.number(0)?, row.number(1)?))).collect();
    }

    /// A transaction of the script's own ended: nothing is held.
    pub fn committed(&mut self) {
        self.held.clear();
        self.told.clear();
        self.old = Relations::default();
    }

    /// The question behind each statement of a transaction. Of a script that touches a thousand tables it is asked a
    /// thousand times: what is as it was in the last answer is not told again.
    pub fn question(&self) -> String {
        let (old, new) = (self.last_old, self.last_new);
        let mut news = String::new();
        if self.told.len() > FEW {
            let told: Vec<_> = self.told.values().map(|told| format!("\"{told}\"")).collect();
            news = format!(
                " WHERE pg_catalog.concat_ws(' ', l.oid, l.modes, pg_catalog.pg_relation_filenode(l.oid), \
                 pg_catalog.pg_stat_get_xact_numscans(l.oid)) \
                 NOT IN (SELECT pg_catalog.unnest('{{{}}}'::pg_catalog.text[]))",
                told.join(",")
            );
        }
        format!(
            "SELECT l.oid, l.modes, pg_catalog.pg_stat_get_xact_numscans(l.oid), {COLUMNS} \
             FROM (SELECT relation, pg_catalog.string_agg(mode, ',' ORDER BY mode) FROM pg_catalog.pg_locks \
             WHERE pid = pg_catalog.pg_backend_pid() AND locktype = 'relation' AND relation >= {FIRST_OID} \
             AND (relation <= {old} OR relation > {new}) GROUP BY relation) AS l (oid, modes) \
             LEFT JOIN pg_catalog.pg_class c ON c.oid = l.oid {JOIN}{news}"
        )
    }

    /// What the answer adds to what is known.
    pub async fn take<'r>(
        &mut self,
        observer: &Session,
        rows: impl Iterator<Item = Row<'r>>,
    ) -> Result<Effects, Error> {
        let mut touched = Vec::new();
        for row in rows {
            let Some(one) = Touched::read(row) else { continue };
            if one.oid <= self.last_old {
                let said = [0, 1, FILE, 2].into_iter().filter_map(|column| row.get(column));
                self.told.insert(one.oid, said.collect::<Vec<_>>().join(" "));
            }
            touched.push(one);
        }
        let unknown: Vec<_> = touched
            .iter()
            .map(|touched| touched.oid)
            .filter(|oid| !self.is_new(*oid) && self.old.get(*oid).is_none())
            .collect();
        if !unknown.is_empty() {
            let found = Relations::of(observer, &unknown).await?;
            self.not_old.extend(unknown.iter().filter(|oid| found.get(**oid).is_none()));
            for (oid, known) in found.0 {
                if known.is_index() {
                    self.index_files.extend(known.file);
                }
                // What a statement before this one did to it is known already.
                self.old.0.entry(oid).or_insert(known);
            }
        }
        let mut effects = Effects::default();
        let mut locks: HashMap<u32, TableLock> = HashMap::new();
        for touched in &touched {
            self.last_new = self.last_new.max(touched.oid);
            if let (Some(mode), Some((oid, table))) = (touched.mode, self.table_of(touched)) {
                let lock = locks.entry(oid).or_insert(TableLock { table, mode });
                lock.mode = lock.mode.max(mode);
            }
        }
        for (oid, lock) in locks {
            // A weaker one is taken beside the stronger that is held, and changes nothing for anybody.
            if self.held.get(&oid).is_none_or(|held| *held < lock.mode) {
                self.held.insert(oid, lock.mode);
                effects.locks.push(lock);
            }
        }
        for touched in touched {
            if self.old.get(touched.oid).is_some() {
                self.changed(&touched, &mut effects);
            } else if let Some(now) = &touched.now {
                self.made(now, &mut effects);
            }
        }
        Ok(effects.sorted())
    }

    /// Whether the script made it.
    pub fn is_new(&self, oid: u32) -> bool {
        oid > self.last_old || self.not_old.contains(&oid)
    }

    /// An index was built: whether its file is one that no other index had.
    pub fn built(&mut self, file: u32) -> bool {
        self.index_files.insert(file)
    }

    /// The table that a lock is told of: an index is locked with its table, or keeps those away who would plan a query
    /// on it. An index that is being built is locked too, which nobody can notice.
    fn table_of(&self, touched: &Touched) -> Option<(u32, Relation)> {
        let told = |oid: u32, known: &Known, new| known.is_told().then(|| (oid, self.old.named(known, new)));
        match (self.old.get(touched.oid), &touched.now) {
            (Some(Known { table: Some(table), .. }), _) => told(*table, self.old.get(*table)?, false),
            (Some(old), _) => told(touched.oid, old, false),
            (None, Some(made)) => told(touched.oid, made, true),
            (None, None) => None,
        }
    }

    /// Something that was there before the script.
    fn changed(&mut self, touched: &Touched, effects: &mut Effects) {
        let Some(mut old) = self.old.get(touched.oid).cloned() else { return };
        if old.temporary || !matches!(old.kind, 'r' | 'm' | 'i') || !self.belongs_to_told(&old) {
            return;
        }
        let file = touched.now.as_ref().and_then(|now| now.file);
        if file.is_some() && file != old.file {
            effects.rewritten.push(self.old.named(&old, false));
            if old.is_index() {
                self.index_files.extend(file);
            }
            old.file = file;
            self.old.0.insert(touched.oid, old.clone());
        }
        let scans = self.scans.entry(touched.oid).or_default();
        if touched.scans > *scans {
            *scans = touched.scans;
            if !old.is_index() {
                effects.scanned.push(self.old.named(&old, false));
            }
        }
    }

    /// Something that the statement made. A changed column's index is a new one with the old one's file where it can be
    /// (`TryReuseIndex` of tablecmds.c): nothing is built then.
    fn made(&mut self, made: &Known, effects: &mut Effects) {
        if made.kind != 'i' || !self.belongs_to_told(made) {
            return;
        }
        if made.file.is_some_and(|file| self.built(file)) {
            effects.built.push(self.old.named(made, true));
        }
    }

    /// Whether it is no index, or one of a table that was there before and is told.
    fn belongs_to_told(&self, known: &Known) -> bool {
        match known.table {
            Some(table) => self.old.get(table).is_some_and(Known::is_told),
            None => !known.is_index(),
        }
    }
}

/// Where [`COLUMNS`] begin in a row of the answer, and the file among them.
const FIRST: usize = 3;
const FILE: usize = FIRST + 3;

/// One row of the answer: a relation that the transaction has locked.
struct Touched {
    oid: u32,
    mode: Option<LockMode>,
    scans: u64,
    /// As the transaction sees it; `None` where it dropped it.
    now: Option<Known>,
}

impl Touched {
    fn read(row: Row<'_>) -> Option<Self> {
        let modes = row.get(1).unwrap_or_default();
        Some(Self {
            oid: row.number(0)?,
            mode: modes.split(',').filter_map(LockMode::from_catalog).max(),
            scans: row.number(2).unwrap_or(0),
            now: read(row, FIRST),
        })
    }
}
