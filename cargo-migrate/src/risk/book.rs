//! All scripts of a set, read in order: what each of their statements does, and which tables are new to it.

use std::collections::HashMap;

use migrate_core::sql::LineColumn;
use migrate_core::{Direction, Migration, Mode, Script, Set};

use super::effect::Effect;
use super::form::{self, Fact, Form};
use super::judge;
use super::known::Known;
use super::level::Risk;
use super::name::Name;
use super::sizes::Sizes;

/// All scripts of a set, read in order.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(super) sizes: Sizes,
    pages: HashMap<(String, Direction), Page>,
    created: Created,
}

/// One script.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) statements: Vec<Line>,
    pub(super) transactional: bool,
    /// Whether it is applied together with the pending ones before it: no down is, it comes when the tables have been in
    /// use.
    pending: bool,
    /// What the up made, of a down.
    made: Vec<Effect>,
    /// How many relations the scripts before it made.
    before: usize,
}

/// One statement.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) line: usize,
    pub(super) start: usize,
    pub(super) form: Form,
    /// How many relations were made before it, in this script too.
    before: usize,
}

/// Relations that were made, by their names without schema.
#[derive(Debug, Default)]
struct Created {
    names: HashMap<String, Vec<Relation>>,
    count: usize,
}

#[derive(Debug)]
struct Relation {
    name: Name,
    /// Its place in the order in which they were made.
    order: usize,
    /// Whether a pending migration made it.
    pending: bool,
}

impl Created {
    fn add(&mut self, name: &Name, pending: bool) {
        let relation = Relation { name: name.clone(), order: self.count, pending };
        self.names.entry(name.last().to_owned()).or_default().push(relation);
        self.count += 1;
    }

    fn has(&self, name: &Name, is_new: impl Fn(&Relation) -> bool) -> bool {
        let known = self.names.get(name.last()).into_iter().flatten();
        known.into_iter().any(|relation| is_new(relation) && relation.name.fits(name))
    }
}

impl Book {
    /// Reads a set. What a script makes is new to the rest of it, and what the migrations that are `pending` make is new
    /// to those that come later among them, for they are applied together: nobody can be waiting for it.
    pub(crate) fn read(set: &Set, pending: impl Fn(&Migration) -> bool) -> Self {
        let mut book = Self::default();
        let mut known = Known::default();
        for migration in set.migrations.iter() {
            let is_pending = pending(migration);
            let up = book.page(&migration.up, Direction::Up, &mut known.clone(), is_pending);
            let made = up.statements.iter().flat_map(|line| line.form.effects.clone()).collect();
            let made_tables: Vec<_> =
                up.facts().filter(|fact| matches!(fact, Fact::Created(_))).cloned().collect();
            up.facts().for_each(|fact| known.learn(fact));
            if let Some(down) = &migration.down {
                let mut page = book.page(down, Direction::Down, &mut known.clone(), is_pending);
                page.made = made;
                page.made.extend(made_tables.into_iter().filter_map(|fact| match fact {
                    Fact::Created(name) => Some(Effect::created(name)),
                    _ => None,
                }));
                book.pages.insert((migration.stem.to_string(), Direction::Down), page);
            }
            book.pages.insert((migration.stem.to_string(), Direction::Up), up);
        }
        book
    }

    /// Told how large the tables are.
    pub(crate) fn with_sizes(mut self, sizes: Sizes) -> Self {
        self.sizes = sizes;
        self
    }

    fn page(&mut self, script: &Script, direction: Direction, known: &mut Known, pending: bool) -> Page {
        let before = self.created.count;
        let mut statements = Vec::new();
        for statement in script.statements.iter() {
            let form = form::of(script.sql(statement), known);
            let line = LineColumn::of(&script.text, statement.start).line;
            let made = self.created.count;
            for fact in &form.facts {
                known.learn(fact);
                if let Fact::Created(name) = fact {
                    self.created.add(name, pending && direction == Direction::Up);
                }
            }
            statements.push(Line { line, start: statement.start, form, before: made });
        }
        let transactional = script.mode == Mode::Transactional;
        Page {
            statements,
            transactional,
            pending: pending && direction == Direction::Up,
            made: Vec::new(),
            before,
        }
    }

    pub(super) fn script(&self, stem: &str, direction: Direction) -> Option<&Page> {
        self.pages.get(&(stem.to_owned(), direction))
    }

    /// Whether a relation is new to a statement of a script.
    pub(super) fn is_new(&self, page: &Page, line: &Line, name: &Name) -> bool {
        self.created.has(name, |relation| {
            let own = (page.before..line.before).contains(&relation.order);
            own || page.pending && relation.pending && relation.order < page.before
        })
    }

    /// The risk of a script as far as its text shows it.
    pub(crate) fn of_text(&self, stem: &str, direction: Direction) -> Risk {
        let Some(page) = self.script(stem, direction) else { return Risk::default() };
        let steps = page.statements.iter().map(|line| {
            let effects = line.form.effects.iter();
            let old = effects
                .filter(|effect| effect.table.as_ref().is_none_or(|table| !self.is_new(page, line, table)));
            // What is read or written anew may be new where the locked table is not: a foreign key of a new table.
            let effects = old.map(|effect| {
                let mut effect = effect.clone();
                if effect.work_on.as_ref().is_some_and(|table| self.is_new(page, line, table)) {
                    effect.work = super::effect::Work::None;
                }
                effect
            });
            (line.line, effects.collect())
        });
        self.judge(page, &steps.collect::<Vec<_>>())
    }

    /// The risk of statements, each with its line and what it does to tables that are not new.
    pub(super) fn judge(&self, page: &Page, steps: &[(usize, Vec<Effect>)]) -> Risk {
        let size = |effect: &Effect| {
            effect.work_on.as_ref().or(effect.table.as_ref()).and_then(|table| self.sizes.get(table))
        };
        let mut reasons = Vec::new();
        // The lock that keeps most people waiting, and since when.
        let mut held: Option<(&Effect, usize)> = None;
        for (line, effects) in steps {
            for effect in effects {
                reasons.extend(judge::reasons(effect, *line, size(effect), page.undoes(effect)));
                if let Some((first, since)) = held
                    && effect.work != super::effect::Work::None
                    && (first.mode > effect.mode || first.table != effect.table)
                {
                    let reason = judge::held(first, since, effect, *line, size(effect));
                    if reason.level > judge::level(effect.work, effect.mode, size(effect)) {
                        reasons.push(reason);
                    }
                }
            }
            if page.transactional {
                let blocking =
                    effects.iter().filter(|effect| effect.mode.blocks_writes() && effect.table.is_some());
                for effect in blocking {
                    if held.is_none_or(|(first, _)| effect.mode > first.mode) {
                        held = Some((effect, *line));
                    }
                }
            }
        }
        Risk::of(reasons)
    }
}

impl Page {
    fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.statements.iter().flat_map(|line| &line.form.facts)
    }

    /// Whether a down takes away what its own up made.
    fn undoes(&self, effect: &Effect) -> bool {
        let Some(table) = &effect.table else { return false };
        let same = |made: &&Effect| made.table.as_ref().is_some_and(|other| other.fits(table));
        self.made.iter().filter(same).any(|made| {
            made.form.is_empty()
                || made.form == effect.form.replacen("DROP COLUMN", "ADD COLUMN", 1)
                    && made.form != effect.form
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::RiskLevel::{self, Critical, High, Low, Medium};
    use super::*;

    fn set(migrations: &[(&str, &str, &str)]) -> Set {
        let migration = |(stem, up, down): &(&str, &str, &str)| {
            let (version, _) = migrate_core::name::parse_recorded(stem).unwrap();
            let script =
                |way: &str, text: &str| Script::parse(&format!("{stem}.{way}.sql"), text.to_owned()).unwrap();
            let down = (!down.is_empty()).then(|| script("down", down));
            Migration { stem: (*stem).to_owned().into(), version, up: script("up", up), down }
        };
        Set::new("migrations", migrations.iter().map(migration).collect())
    }

    /// The risk of one up on tables that are there.
    fn up(sql: &str) -> Risk {
        let set = set(&[("0001_a", sql, "")]);
        Book::read(&set, |_| true).of_text("0001_a", Direction::Up)
    }

    fn shown(risk: &Risk) -> String {
        let line = |reason: &crate::risk::Reason| {
            format!("{} line {}: {}\n", reason.level.name(), reason.line, reason.why)
        };
        risk.reasons.iter().map(line).collect()
    }

    #[test]
    fn statements_have_a_level() {
        for (sql, level) in [
            ("CREATE TABLE t (id bigint)", Low),
            ("CREATE INDEX i ON t (a)", Medium),
            ("CREATE INDEX CONCURRENTLY i ON t (a)", Low),
            ("DROP INDEX i", Low),
            ("ALTER TABLE t ADD COLUMN c int", Low),
            ("ALTER TABLE t ADD COLUMN c int NOT NULL DEFAULT 0", Low),
            ("ALTER TABLE t ADD COLUMN c uuid DEFAULT gen_random_uuid()", High),
            ("ALTER TABLE t ADD COLUMN c bigserial", High),
            ("ALTER TABLE t ADD COLUMN c int GENERATED ALWAYS AS (a + 1) STORED", High),
            ("ALTER TABLE t ADD COLUMN c int GENERATED ALWAYS AS IDENTITY", High),
            ("ALTER TABLE t ADD COLUMN c int REFERENCES u (id)", Low),
            ("ALTER TABLE t ADD COLUMN c int CHECK (c > 0)", High),
            ("ALTER TABLE t ALTER COLUMN c TYPE bigint", High),
            ("ALTER TABLE t ALTER c SET NOT NULL", High),
            ("ALTER TABLE t ALTER c DROP NOT NULL", Low),
            ("ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (id)", Medium),
            ("ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (id) NOT VALID", Low),
            ("ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0)", High),
            ("ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID", Low),
            ("ALTER TABLE t VALIDATE CONSTRAINT k", Low),
            ("ALTER TABLE t ADD UNIQUE (a)", High),
            ("ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX i", Low),
            ("ALTER TABLE t ADD EXCLUDE USING gist (a WITH &&)", High),
            ("ALTER TABLE t DROP COLUMN c", High),
            ("ALTER TABLE t RENAME TO u", Low),
            ("ALTER TABLE t SET LOGGED", High),
            ("ALTER TABLE t DETACH PARTITION p", Low),
            ("DROP TABLE t", Critical),
            ("DROP VIEW v CASCADE", Low),
            ("DROP TYPE y", Low),
            ("DROP TYPE y CASCADE", High),
            ("DROP SCHEMA s CASCADE", Critical),
            ("TRUNCATE t", Critical),
            ("DELETE FROM t", Critical),
            ("DELETE FROM t WHERE a = 1", Low),
            ("UPDATE t SET a = 1", Medium),
            ("UPDATE t SET a = 1 WHERE b = 2", Low),
            ("INSERT INTO t VALUES (1)", Low),
            ("REFRESH MATERIALIZED VIEW m", High),
            ("REFRESH MATERIALIZED VIEW CONCURRENTLY m", Low),
            ("CLUSTER t USING i", High),
            ("VACUUM FULL t", High),
            ("VACUUM t", Low),
            ("REINDEX TABLE t", Medium),
            ("REINDEX TABLE CONCURRENTLY t", Low),
            ("LOCK TABLE t IN SHARE MODE", Low),
            ("SELECT 1", Low),
        ] {
            let risk = up(sql);
            assert_eq!(risk.level, level, "{sql}\n{}", shown(&risk));
        }
    }

    #[test]
    fn a_table_of_the_same_range_is_new() {
        let set = set(&[
            ("0001_a", "CREATE TABLE old (id int)", ""),
            (
                "0002_b",
                "CREATE TABLE app.t (id int); ALTER TABLE app.t ALTER id TYPE bigint",
                "DROP TABLE app.t",
            ),
            (
                "0003_c",
                "CREATE INDEX ON app.t (id); ALTER TABLE other.t ALTER id TYPE bigint",
                "DELETE FROM app.t",
            ),
            ("0004_d", "CREATE INDEX ON old (id)", "DROP TABLE old"),
            ("0005_e", "ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES old (id)", "SELECT 1"),
        ]);
        let book = Book::read(&set, |migration| migration.version.number() > 1);
        let level = |stem, direction| book.of_text(stem, direction).level;
        assert_eq!(level("0002_b", Direction::Up), Low);
        assert_eq!(level("0003_c", Direction::Up), High);
        assert_eq!(level("0004_d", Direction::Up), Medium);
        // The new table is empty: the other one is locked for a moment only.
        assert_eq!(level("0005_e", Direction::Up), Low);
        // What its own up made goes: what was written since is gone, which is what a down is for.
        assert_eq!(level("0002_b", Direction::Down), Medium);
        assert_eq!(level("0003_c", Direction::Down), Critical);
        assert_eq!(level("0004_d", Direction::Down), Critical);
    }

    #[test]
    fn what_is_not_applied_together_is_new_to_its_own_script_only() {
        let set = set(&[
            ("0001_a", "CREATE TABLE t (id int); CREATE INDEX ON t (id)", ""),
            ("0002_b", "CREATE INDEX ON t (id)", ""),
        ]);
        for (pending, later) in [(true, Low), (false, Medium)] {
            let book = Book::read(&set, |_| pending);
            assert_eq!(book.of_text("0001_a", Direction::Up).level, Low);
            assert_eq!(book.of_text("0002_b", Direction::Up).level, later);
        }
    }

    #[test]
    fn a_lock_is_held_until_the_commit() {
        let risk = up("ALTER TABLE t ADD COLUMN c int;\nUPDATE t SET c = 1;");
        assert_eq!(risk.level, High, "{}", shown(&risk));
        assert!(
            risk.reasons[0].why.contains("the lock of line 1 is held until the commit"),
            "{}",
            shown(&risk)
        );
        let risk = up("-- migrate: no-transaction\nALTER TABLE t ADD COLUMN c int;\nUPDATE t SET c = 1;");
        assert_eq!(risk.level, Medium, "{}", shown(&risk));
        let risk = up("ALTER TABLE t ADD COLUMN c int;\nCREATE INDEX ON u (a);");
        assert_eq!(risk.level, High, "{}", shown(&risk));
    }

    #[test]
    fn a_valid_check_spares_the_scan() {
        let add = "ALTER TABLE t ADD CONSTRAINT n CHECK (c IS NOT NULL) NOT VALID";
        let validate = "ALTER TABLE t VALIDATE CONSTRAINT n";
        let not_null = "ALTER TABLE t ALTER COLUMN c SET NOT NULL; ALTER TABLE t DROP CONSTRAINT n";
        let level = |steps: &[&str]| {
            let stems = ["0001_a", "0002_b", "0003_c"];
            let rows: Vec<_> = stems.into_iter().zip(steps).map(|(stem, sql)| (stem, *sql, "")).collect();
            let set = set(&rows);
            Book::read(&set, |_| true).of_text(stems[steps.len() - 1], Direction::Up).level
        };
        assert_eq!(level(&[add, validate, not_null]), Low);
        assert_eq!(level(&[add, not_null]), High);
        assert_eq!(level(&[add, validate, "ALTER TABLE t ALTER COLUMN d SET NOT NULL"]), High);
    }

    #[test]
    fn sizes_decide() {
        let set = set(&[("0001_a", "ALTER TABLE app.t ALTER c TYPE bigint; CREATE INDEX ON u (a)", "")]);
        let level = |t, u| -> Vec<RiskLevel> {
            let sizes = Sizes::of([("app.t", t), ("public.u", u)]);
            let risk = Book::read(&set, |_| true).with_sizes(sizes).of_text("0001_a", Direction::Up);
            vec![risk.level]
        };
        assert_eq!(level(1 << 20, 1 << 20), [Medium]);
        assert_eq!(level(100 << 20, 1 << 20), [High]);
        assert_eq!(level(100 << 30, 1 << 20), [Critical]);
    }

    #[test]
    fn reasons_in_words() {
        let risk = up("ALTER TABLE shop.orders ALTER COLUMN total TYPE numeric(14,2);\n\
                       CREATE INDEX orders_total ON shop.orders (total);\n\
                       ALTER TABLE shop.orders ADD FOREIGN KEY (customer_id) REFERENCES shop.customers (id);\n\
                       DELETE FROM shop.carts;\nUPDATE shop.orders SET a = 1;");
        insta::assert_snapshot!(shown(&risk));
    }

    #[test]
    fn safer_scripts_have_the_real_names() {
        let mut text = String::new();
        for sql in [
            "CREATE UNIQUE INDEX IF NOT EXISTS orders_number ON shop.orders (number) WHERE number > 0;",
            "DROP INDEX shop.orders_number",
            "REINDEX TABLE shop.orders",
            "ALTER TABLE shop.orders ADD FOREIGN KEY (customer_id) REFERENCES shop.customers (id) ON DELETE CASCADE",
            "ALTER TABLE shop.orders ADD CONSTRAINT positive CHECK (total > 0)",
            "ALTER TABLE shop.orders ADD UNIQUE NULLS NOT DISTINCT (number, \"Shop\")",
            "ALTER TABLE shop.orders ADD CONSTRAINT k PRIMARY KEY (number) INCLUDE (total)",
            "ALTER TABLE shop.orders ALTER COLUMN \"Total\" SET NOT NULL",
            "ALTER TABLE shop.orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE",
            "ALTER TABLE shop.orders ADD COLUMN n bigserial",
            "ALTER TABLE shop.orders ADD COLUMN state int DEFAULT 1 REFERENCES shop.states CHECK (state > 0)",
            "ALTER TABLE shop.orders ALTER COLUMN total TYPE numeric(14, 2)",
            "ALTER TABLE shop.orders ALTER COLUMN total TYPE bigint USING round(total * 100)",
            "ALTER TABLE shop.orders DETACH PARTITION shop.orders_2025",
            "UPDATE shop.orders SET state = 1, total = 0",
            "REFRESH MATERIALIZED VIEW shop.totals",
        ] {
            let safer: Vec<_> = up(sql).reasons.into_iter().filter_map(|reason| reason.safer).collect();
            assert_eq!(safer.len(), 1, "{sql}: {safer:?}");
            text += &format!("==== {sql}\n{}\n", safer[0]);
        }
        insta::assert_snapshot!(text);
    }
}
