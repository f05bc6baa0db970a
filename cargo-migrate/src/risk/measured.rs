//! The risk of a script from what was measured while it ran.
//!
//! Locks, rewrites, scans and builds are those that the server had; words, safer scripts and what is lost come from the
//! statement's text.

use std::collections::BTreeMap;

use migrate_core::Direction;
use migrate_runtime::rehearsal::{LockMode, Measured, MeasuredStatement, Relation};

use super::book::{Book, Line, Page};
use super::effect::{Effect, Work};
use super::level::Risk;
use super::name::Name;

impl Book {
    /// The risk of a script from what was measured while it ran.
    pub(crate) fn of_measured(&self, stem: &str, direction: Direction, measured: &Measured) -> Risk {
        let Some(page) = self.script(stem, direction) else { return Risk::default() };
        let mut held = BTreeMap::new();
        let mut steps = Vec::new();
        for statement in &measured.statements {
            let line = page.statements.iter().find(|line| line.start == statement.span.start);
            steps.push((statement.line, self.effects(page, line, statement, &mut held)));
            if !page.transactional {
                held.clear();
            }
        }
        self.judge(page, &steps)
    }

    /// What a statement did to tables that are not new. `held` are the locks of the statements before it.
    fn effects(
        &self,
        page: &Page,
        line: Option<&Line>,
        statement: &MeasuredStatement,
        held: &mut BTreeMap<String, LockMode>,
    ) -> Vec<Effect> {
        let is_new = |relation: &Relation, name: &Name| {
            relation.new || line.is_some_and(|line| self.is_new(page, line, name))
        };
        let texts = line.map(|line| line.form.effects.as_slice()).unwrap_or_default();
        let mut effects: Vec<Effect> = Vec::new();
        for lock in &statement.locks {
            // Of an index: its table has a lock of its own.
            let (Some(name), None) = (Name::parse(&lock.table.name), &lock.table.table) else { continue };
            held.entry(lock.table.name.clone())
                .and_modify(|mode| *mode = lock.mode.max(*mode))
                .or_insert(lock.mode);
            if !is_new(&lock.table, &name) {
                effects.push(described(texts, name, lock.mode));
            }
        }
        for (relations, work) in [
            (&statement.scanned, Work::Scan),
            (&statement.built, Work::Build),
            (&statement.rewritten, Work::Rewrite),
        ] {
            for relation in relations {
                let table = relation.table.as_ref().unwrap_or(&relation.name);
                let Some(name) = Name::parse(table) else { continue };
                // An index is always new; those on new tables were not measured.
                let new = work != Work::Build && is_new(relation, &name)
                    || line.is_some_and(|line| self.is_new(page, line, &name));
                if new || !is_work(work, relation, texts, &name) {
                    continue;
                }
                let mode = held.get(table).copied().unwrap_or(LockMode::AccessShare);
                let known = effects.iter_mut().find(|effect| effect.table.as_ref() == Some(&name));
                match known {
                    Some(effect) => effect.work = effect.work.max(work),
                    None => effects.push(described(texts, name, mode).work(work)),
                }
            }
        }
        spread(&mut effects);
        // A whole table that is updated or deleted was scanned; what it means for others is in the text.
        for text in texts.iter().filter(|text| text.work == Work::Rows || text.loss.is_some()) {
            let table = effects.iter_mut().find(|effect| fits(effect, text));
            match table {
                Some(effect) => {
                    effect.work = effect.work.max(text.work);
                    effect.loss = text.loss;
                }
                // Its lock was taken by a statement before it, or it is no table.
                None if text
                    .table
                    .as_ref()
                    .zip(line)
                    .is_none_or(|(table, line)| !self.is_new(page, line, table)) =>
                {
                    effects.push(text.clone());
                }
                None => {}
            }
        }
        effects
    }
}

/// Whether reading a table, or building an index, is work that grows with it. A statement on rows reads an empty scratch
/// table from end to end where it would use an index on a full one; and an index of a rewritten table is written anew
/// with it.
fn is_work(work: Work, relation: &Relation, texts: &[Effect], table: &Name) -> bool {
    let of_rows = |text: &Effect| text.mode <= LockMode::RowExclusive;
    if texts.iter().any(|text| text.quick && text.table.as_ref().is_some_and(|it| it.fits(table))) {
        return false;
    }
    match work {
        Work::Scan => !texts.is_empty() && !texts.iter().all(of_rows),
        Work::Rewrite if relation.table.is_some() => {
            // REINDEX writes an index anew and leaves the table.
            texts
                .iter()
                .any(|text| text.work == Work::Build && text.table.as_ref().is_none_or(|it| it.fits(table)))
        }
        _ => true,
    }
}

fn fits(effect: &Effect, text: &Effect) -> bool {
    match (&effect.table, &text.table) {
        (Some(one), Some(other)) => one.fits(other),
        _ => false,
    }
}

/// A measured lock, with the words of the statement's text.
fn described(texts: &[Effect], table: Name, mode: LockMode) -> Effect {
    // Of several actions on one table the one with the most work is what the lock is for.
    let of_table = |text: &&Effect| text.table.as_ref().is_some_and(|other| other.fits(&table));
    let text = texts.iter().filter(of_table).max_by_key(|text| (text.work, text.mode));
    match text.or(texts.first()) {
        Some(text) => {
            let is_own = text.table.as_ref().is_some_and(|other| other.fits(&table));
            let mut effect = Effect::new(Some(table), mode, text.form.clone());
            if is_own {
                effect.safer.clone_from(&text.safer);
                effect.work_on.clone_from(&text.work_on);
                effect.quick = text.quick;
            }
            effect
        }
        None => Effect::new(Some(table), mode, "this statement"),
    }
}

/// A lock on a table is held while the same statement works on another one: that of a foreign key on the table that it
/// refers to.
fn spread(effects: &mut [Effect]) {
    let Some(main) =
        effects.iter().filter(|effect| effect.work > Work::None).max_by_key(|effect| effect.work)
    else {
        return;
    };
    let (work, table) = (main.work, main.table.clone());
    let idle =
        |effect: &&mut Effect| effect.work == Work::None && effect.mode.blocks_writes() && !effect.quick;
    for effect in effects.iter_mut().filter(idle) {
        effect.work = work;
        effect.work_on.clone_from(&table);
        effect.safer = None;
    }
}

#[cfg(test)]
mod tests {
    use migrate_core::{Migration, Script, Set, Version};
    use migrate_runtime::Database;
    use migrate_runtime::rehearsal::Rehearsal;
    use migrate_runtime::schema::SchemaOptions;

    use super::*;
    use crate::risk::RiskLevel;

    const TABLES: &str = "\
DROP SCHEMA IF EXISTS s CASCADE;
CREATE SCHEMA s;
CREATE TABLE s.u (id int PRIMARY KEY);
INSERT INTO s.u SELECT g FROM generate_series(1, 50) AS g;
CREATE TABLE s.t (id int PRIMARY KEY, a int, b varchar(10), n int NOT NULL, g int GENERATED ALWAYS AS (id * 2) STORED,
    CONSTRAINT checked CHECK (a IS NOT NULL), CONSTRAINT refers FOREIGN KEY (a) REFERENCES s.u);
INSERT INTO s.t SELECT g, g, 'x', g FROM generate_series(1, 50) AS g;
ALTER TABLE s.t ADD CONSTRAINT later CHECK (n > 0) NOT VALID;
CREATE INDEX i ON s.t (b);
CREATE UNIQUE INDEX unique_n ON s.t (n);
CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.f();
CREATE RULE ru AS ON DELETE TO s.t DO ALSO NOTIFY x;
CREATE POLICY po ON s.t USING (true);
CREATE TABLE s.p (k int) PARTITION BY RANGE (k);
CREATE TABLE s.p1 PARTITION OF s.p FOR VALUES FROM (0) TO (10);
CREATE TABLE s.p2 (k int);
INSERT INTO s.p2 VALUES (11);
CREATE TABLE s.child (id int NOT NULL, a int, b varchar(10), n int NOT NULL, CONSTRAINT checked CHECK (a IS NOT NULL));
CREATE TABLE s.parent (id int);
CREATE MATERIALIZED VIEW s.m AS SELECT a FROM s.t;
CREATE UNIQUE INDEX mi ON s.m (a);
CREATE VIEW s.v AS SELECT a FROM s.t;
CREATE DOMAIN s.d AS int;
";

    /// Forms of statements on tables that are there, on each server that is.
    const FORMS: [&str; 74] = [
        "ALTER TABLE s.t ADD COLUMN c int",
        "ALTER TABLE s.t ADD COLUMN c int NOT NULL DEFAULT 1",
        "ALTER TABLE s.t ADD COLUMN c timestamptz DEFAULT now()",
        "ALTER TABLE s.t ADD COLUMN c float DEFAULT random()",
        "ALTER TABLE s.t ADD COLUMN c serial",
        "ALTER TABLE s.t ADD COLUMN c int GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE s.t ADD COLUMN c int GENERATED ALWAYS AS (id + 1) STORED",
        "ALTER TABLE s.t ADD COLUMN c int CHECK (c > 0)",
        "ALTER TABLE s.t ADD COLUMN c int UNIQUE",
        "ALTER TABLE s.t ADD COLUMN c int REFERENCES s.u",
        "ALTER TABLE s.t ADD COLUMN c int DEFAULT 1 REFERENCES s.u",
        "ALTER TABLE s.t DROP COLUMN b",
        "ALTER TABLE s.t ALTER COLUMN n TYPE bigint",
        "ALTER TABLE s.t ALTER COLUMN n SET DEFAULT 1",
        "ALTER TABLE s.t ALTER COLUMN n DROP DEFAULT",
        "ALTER TABLE s.t ALTER COLUMN b SET NOT NULL",
        "ALTER TABLE s.t ALTER COLUMN n DROP NOT NULL",
        "ALTER TABLE s.t ALTER COLUMN g DROP EXPRESSION",
        "ALTER TABLE s.t ALTER COLUMN n ADD GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE s.t ALTER COLUMN n SET STATISTICS 100",
        "ALTER TABLE s.t ALTER COLUMN n SET (n_distinct = 5)",
        "ALTER TABLE s.t ALTER COLUMN n RESET (n_distinct)",
        "ALTER TABLE s.t ALTER COLUMN b SET STORAGE PLAIN",
        "ALTER TABLE s.t ADD CONSTRAINT c CHECK (n > 0)",
        "ALTER TABLE s.t ADD CONSTRAINT c CHECK (n > 0) NOT VALID",
        "ALTER TABLE s.t ADD CONSTRAINT c FOREIGN KEY (n) REFERENCES s.u",
        "ALTER TABLE s.t ADD CONSTRAINT c FOREIGN KEY (n) REFERENCES s.u NOT VALID",
        "ALTER TABLE s.t ADD CONSTRAINT c UNIQUE (a)",
        "ALTER TABLE s.t ADD CONSTRAINT c UNIQUE USING INDEX unique_n",
        "ALTER TABLE s.p2 ADD CONSTRAINT c PRIMARY KEY (k)",
        "ALTER TABLE s.t ADD CONSTRAINT c EXCLUDE USING btree (n WITH =)",
        "ALTER TABLE s.t VALIDATE CONSTRAINT later",
        "ALTER TABLE s.t DROP CONSTRAINT checked",
        "ALTER TABLE s.t RENAME CONSTRAINT checked TO c",
        "ALTER TABLE s.t RENAME COLUMN a TO c",
        "ALTER TABLE s.t RENAME TO c",
        "ALTER TABLE s.t SET SCHEMA public",
        "ALTER TABLE s.t OWNER TO CURRENT_USER",
        "ALTER TABLE s.t SET (fillfactor = 70)",
        "ALTER TABLE s.t RESET (fillfactor)",
        "ALTER TABLE s.p2 SET UNLOGGED",
        "ALTER TABLE s.t CLUSTER ON i",
        "ALTER TABLE s.t SET WITHOUT CLUSTER",
        "ALTER TABLE s.t DISABLE TRIGGER tr",
        "ALTER TABLE s.t ENABLE ALWAYS TRIGGER tr",
        "ALTER TABLE s.t DISABLE RULE ru",
        "ALTER TABLE s.t ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE s.t FORCE ROW LEVEL SECURITY",
        "ALTER TABLE s.t REPLICA IDENTITY FULL",
        "ALTER TABLE s.child INHERIT s.parent",
        "ALTER TABLE s.p ATTACH PARTITION s.p2 FOR VALUES FROM (10) TO (20)",
        "ALTER TABLE s.p DETACH PARTITION s.p1",
        "ALTER TABLE s.p DETACH PARTITION s.p1 CONCURRENTLY",
        "CREATE INDEX c ON s.t (n)",
        "CREATE INDEX CONCURRENTLY c ON s.t (n)",
        "CREATE TRIGGER c BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.f()",
        "DROP TRIGGER tr ON s.t",
        "CREATE RULE c AS ON UPDATE TO s.t DO ALSO NOTIFY x",
        "DROP RULE ru ON s.t",
        "CREATE POLICY c ON s.t USING (true)",
        "DROP POLICY po ON s.t",
        "CREATE STATISTICS s.c ON a, n FROM s.t",
        "COMMENT ON TABLE s.t IS 'c'",
        "CREATE TABLE s.c (id int REFERENCES s.u)",
        "CREATE TABLE s.c PARTITION OF s.p FOR VALUES FROM (10) TO (20)",
        "CREATE TABLE s.c () INHERITS (s.parent)",
        "TRUNCATE s.t",
        "DROP TABLE s.p2",
        "DROP VIEW s.v",
        "REFRESH MATERIALIZED VIEW s.m",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY s.m",
        "CLUSTER s.t USING i",
        "VACUUM FULL s.t",
        "LOCK TABLE s.t IN EXCLUSIVE MODE",
    ];

    fn set(sql: &str) -> Set {
        let up = Script::parse("0001_a.up.sql", sql.to_owned()).unwrap();
        let migration = Migration { stem: "0001_a".into(), version: Version::new(1), up, down: None };
        Set::new("migrations", vec![migration])
    }

    /// What a server did: of each table the strongest lock, and what it did with it.
    type Seen = BTreeMap<String, (LockMode, Work)>;

    fn as_told(effects: &[Effect]) -> Seen {
        let mut seen = Seen::new();
        for effect in effects {
            let Some(table) = effect.table.as_ref().map(ToString::to_string) else { continue };
            let work = if effect.work_on.is_some() { Work::None } else { effect.work };
            let known = seen.entry(table).or_insert((effect.mode, work));
            *known = (known.0.max(effect.mode), known.1.max(work));
        }
        seen
    }

    fn as_measured(measured: &Measured) -> Seen {
        let mut seen = Seen::new();
        let is_old = |relation: &&Relation| !relation.new;
        for statement in &measured.statements {
            for lock in statement.locks.iter().filter(|lock| !lock.table.new && lock.table.table.is_none()) {
                if lock.mode > LockMode::RowExclusive && lock.table.name.starts_with("s.") {
                    seen.insert(lock.table.name.clone(), (lock.mode, Work::None));
                }
            }
            let mut worked = |name: &str, work: Work| {
                if let Some(known) = seen.get_mut(name) {
                    known.1 = known.1.max(work);
                }
            };
            statement.scanned.iter().filter(is_old).for_each(|table| worked(&table.name, Work::Scan));
            statement
                .built
                .iter()
                .for_each(|index| worked(index.table.as_deref().unwrap_or_default(), Work::Build));
            let tables =
                statement.rewritten.iter().filter(is_old).filter(|relation| relation.table.is_none());
            tables.for_each(|table| worked(&table.name, Work::Rewrite));
        }
        seen
    }

    fn rehearsal() -> (migrate_testing::ScratchDatabase, Rehearsal) {
        let scratch = migrate_testing::scratch().unwrap();
        let database = Database::resolve(Some(scratch.url()), &|_| None).unwrap();
        let rehearsal = Rehearsal::connect(&database, SchemaOptions::default()).unwrap();
        (scratch, rehearsal)
    }

    #[test]
    fn the_table_of_forms_is_what_a_server_does() {
        let (_scratch, mut rehearsal) = rehearsal();
        let tables = Script::parse("0000_tables.up.sql", TABLES.to_owned()).unwrap();
        let mut differences = String::new();
        for sql in FORMS {
            rehearsal.run(&tables, "0000_tables", Direction::Up).unwrap();
            let set = set(sql);
            let script = &set.migrations[0].up;
            let measured = rehearsal.apply(script, "0001_a", Direction::Up);
            let measured = measured.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
            let book = Book::read(&set, |_| true);
            let (text, seen) =
                (book.of_text("0001_a", Direction::Up), book.of_measured("0001_a", Direction::Up, &measured));
            if text.level != seen.level {
                differences += &format!("{sql}\n    text     {text:?}\n    measured {seen:?}\n");
            }
            let measured = as_measured(&measured);
            let form = super::super::form::of(script.sql(&script.statements[0]), &Default::default());
            let told: Seen = as_told(&form.effects);
            let quick = form.effects.iter().any(|effect| effect.quick);
            let work = |work: Work| if quick { Work::None } else { work };
            let measured: Seen =
                measured.into_iter().map(|(table, (mode, seen))| (table, (mode, work(seen)))).collect();
            if told != measured {
                differences += &format!("{sql}\n    told     {told:?}\n    measured {measured:?}\n");
            }
        }
        assert!(differences.is_empty(), "{differences}");
    }

    fn risk_of(rehearsal: &mut Rehearsal, sql: &str) -> (RiskLevel, RiskLevel) {
        let tables = Script::parse("0000_tables.up.sql", TABLES.to_owned()).unwrap();
        rehearsal.run(&tables, "0000_tables", Direction::Up).unwrap();
        let set = set(sql);
        let book = Book::read(&set, |_| true);
        let measured = rehearsal.apply(&set.migrations[0].up, "0001_a", Direction::Up).unwrap();
        (
            book.of_text("0001_a", Direction::Up).level,
            book.of_measured("0001_a", Direction::Up, &measured).level,
        )
    }

    /// What the text cannot show, the measurement does.
    #[test]
    fn a_measurement_knows_better_than_the_text() {
        let (_scratch, mut rehearsal) = rehearsal();
        for (sql, text, measured) in [
            ("ALTER TABLE s.t ALTER COLUMN b TYPE varchar(20)", RiskLevel::High, RiskLevel::Low),
            ("ALTER TABLE s.t ALTER COLUMN a SET NOT NULL", RiskLevel::High, RiskLevel::Low),
            ("DO $$ BEGIN ALTER TABLE s.t ALTER n TYPE bigint; END $$", RiskLevel::Low, RiskLevel::High),
            ("DO $$ BEGIN CREATE INDEX ON s.t (n); END $$", RiskLevel::Low, RiskLevel::Medium),
            ("UPDATE s.t SET b = 'y' WHERE id = 1", RiskLevel::Low, RiskLevel::Low),
            ("DELETE FROM s.u WHERE id = 1000", RiskLevel::Low, RiskLevel::Low),
            ("TRUNCATE s.t", RiskLevel::Critical, RiskLevel::Critical),
            (
                "CREATE TABLE s.c (id int); ALTER TABLE s.c ADD COLUMN c serial",
                RiskLevel::Low,
                RiskLevel::Low,
            ),
            (
                "CREATE TABLE s.c (id int); DROP TABLE s.c; DROP TABLE s.u CASCADE",
                RiskLevel::Critical,
                RiskLevel::Critical,
            ),
            ("ALTER TABLE s.t ADD COLUMN c int; UPDATE s.t SET c = 1", RiskLevel::High, RiskLevel::High),
            ("ALTER TABLE s.t ADD COLUMN c int; CREATE INDEX ON s.u (id)", RiskLevel::High, RiskLevel::High),
        ] {
            assert_eq!(risk_of(&mut rehearsal, sql), (text, measured), "{sql}");
        }
    }

    /// Each safer script, step by step in migrations of its own, does what the statement does, and keeps nobody waiting.
    #[test]
    fn safer_scripts_run_and_are_safer() {
        let (_scratch, mut rehearsal) = rehearsal();
        let tables = Script::parse("0000_tables.up.sql", TABLES.to_owned()).unwrap();
        for sql in [
            "CREATE INDEX c ON s.t (n)",
            "DROP INDEX s.i",
            "REINDEX TABLE s.t",
            "REINDEX INDEX s.i",
            "ALTER TABLE s.t ADD FOREIGN KEY (n) REFERENCES s.u (id)",
            "ALTER TABLE s.t ADD CONSTRAINT positive CHECK (n > 0)",
            "ALTER TABLE s.t ADD CHECK (n > 0)",
            "ALTER TABLE s.t ADD UNIQUE (a, n)",
            "ALTER TABLE s.child ADD PRIMARY KEY (id)",
            "ALTER TABLE s.t ALTER COLUMN b SET NOT NULL",
            "ALTER TABLE s.t ADD COLUMN c uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE",
            "ALTER TABLE s.t ADD COLUMN c bigserial",
            "ALTER TABLE s.t ADD COLUMN c int DEFAULT 1 REFERENCES s.u CHECK (c > 0)",
            "ALTER TABLE s.t ALTER COLUMN n TYPE numeric(14, 2) USING n * 1.5",
            "ALTER TABLE s.p DETACH PARTITION s.p1",
            "UPDATE s.t SET b = 'y', n = n + 1000",
            "REFRESH MATERIALIZED VIEW s.m",
        ] {
            rehearsal.run(&tables, "0000_tables", Direction::Up).unwrap();
            let set = set(sql);
            let risk = Book::read(&set, |_| true).of_text("0001_a", Direction::Up);
            let safer =
                risk.reasons.into_iter().find_map(|reason| reason.safer).unwrap_or_else(|| panic!("{sql}"));
            for part in safer.split("-- The next migration:\n") {
                let script = Script::parse("0001_a.up.sql", part.trim_start().to_owned())
                    .unwrap_or_else(|error| panic!("{sql}: {error:?}\n{part}"));
                let measured = rehearsal.apply(&script, "0001_a", Direction::Up);
                let measured = measured.unwrap_or_else(|error| panic!("{sql}: {error:?}\n{part}"));
                let migration =
                    Migration { stem: "0001_a".into(), version: Version::new(1), up: script, down: None };
                let book = Book::read(&Set::new("migrations", vec![migration]), |_| true);
                let risk = book.of_measured("0001_a", Direction::Up, &measured);
                // The last step of a change of type takes the old column away.
                let waits = risk.reasons.iter().filter(|reason| !reason.why.contains("are gone for good"));
                let level = waits.map(|reason| reason.level).max().unwrap_or_default();
                assert_eq!(level, RiskLevel::Low, "{sql}\n{part}\n{:?}", risk.reasons);
            }
        }
    }
}
