//! Looking up what a script destroys, statement by statement.

use std::collections::HashSet;
use std::time::Instant;

use migrate_core::sql::mask_text;
use migrate_runtime::connection::Row;
use migrate_runtime::{Connection, Error as EngineError, quote_literal};

use super::act::{Act, Class, Kind, Rows};
use super::dependents::{self, Gone};
use super::names::Names;
use super::{Count, Loss, StepLoss, What};
use crate::render::words::one_line;

/// One count may take so long.
const ONE_COUNT: &str = "5s";

/// Looks up what a plan's scripts destroy, statement by statement.
pub(super) struct Measure<'a> {
    connection: &'a Connection,
    pub(super) since: Instant,
    step: StepLoss,
    /// What a statement of this plan set.
    search_path: Option<String>,
    names: Names,
    /// Relations that are told of as a whole.
    told: HashSet<u32>,
}

/// What a question came to.
pub(super) type Answer<T> = anyhow::Result<Result<T, String>>;

impl<'a> Measure<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            since: Instant::now(),
            step: StepLoss::default(),
            search_path: None,
            names: Names::default(),
            told: HashSet::new(),
        }
    }

    /// A script begins.
    pub(super) fn step(&mut self, stem: &str) {
        // Each migration begins with the path that the role has.
        self.search_path = None;
        self.step = StepLoss { stem: stem.to_owned(), ..StepLoss::default() };
    }

    /// What was found in it.
    pub(super) fn take(&mut self) -> StepLoss {
        std::mem::take(&mut self.step)
    }

    pub(super) fn act(&mut self, act: &Act) -> anyhow::Result<()> {
        let line = act.line;
        match &act.kind {
            Kind::Drop { class, name, cascade, if_exists } => {
                self.drop(line, *class, name, *cascade, *if_exists)
            }
            Kind::Truncate { table, cascade } => self.truncate(line, table, *cascade),
            Kind::Delete(rows) => self.rows(line, rows, What::Rows, None),
            Kind::Update { rows, columns } => self.rows(line, rows, What::Values, Some(columns)),
            Kind::DropColumn { table, column, cascade, if_exists } => {
                self.drop_column(line, table, column, *cascade, *if_exists)
            }
            Kind::ChangeType { table, column, data_type, value } => {
                self.change_type(line, table, column, data_type, value)
            }
            Kind::DropAttribute { data_type, attribute } => {
                self.unseen(
                    line,
                    format!("attribute {attribute} goes from every value of the type {data_type}"),
                );
                Ok(())
            }
            Kind::Rename { from, to } => {
                self.names.rename(from, to);
                Ok(())
            }
            Kind::RenameColumn { table, from, to } => {
                self.names.rename_column(table, from, to);
                Ok(())
            }
            Kind::Create { name } => {
                self.names.create(name);
                Ok(())
            }
            Kind::AddColumn { table, column } => {
                self.names.add_column(table, column);
                Ok(())
            }
            Kind::SearchPath(statement) => {
                self.search_path = Some(statement.clone());
                Ok(())
            }
            Kind::Unseen(what) => {
                self.unseen(line, format!("{what}: what it destroys cannot be seen"));
                Ok(())
            }
        }
    }

    fn unseen(&mut self, line: usize, what: String) {
        self.step.unseen.push((line, what));
    }

    /// The rows of a question, or why the server refused it. In a read-only transaction, with the path that the script has
    /// set; a policy that would hide rows is a refusal, not a smaller number.
    pub(super) fn ask(&self, doing: &str, sql: &str) -> Answer<Vec<Row>> {
        let path = self.search_path.as_deref().map(|path| format!("{path};")).unwrap_or_default();
        let message = format!(
            "BEGIN READ ONLY;SET LOCAL lock_timeout = '1s';SET LOCAL statement_timeout = '{ONE_COUNT}';\
             SET LOCAL row_security = off;{path}{sql};ROLLBACK"
        );
        match self.connection.rows(doing, &message) {
            Ok(rows) => Ok(Ok(rows)),
            Err(EngineError::Server { source, .. }) => {
                self.connection.rows("ending a transaction", "ROLLBACK")?;
                let said =
                    source.as_db_error().map_or_else(|| source.to_string(), |said| said.message().to_owned());
                Ok(Err(one_line(&mask_text(&said), 200)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The oid, the kind and the whole name of a relation; `None` where there is none of this name.
    fn relation(&self, name: &str) -> Answer<Option<(u32, String, String)>> {
        let sql = format!(
            "SELECT class.oid, class.relkind, pg_catalog.format('%I.%I', space.nspname, class.relname) \
             FROM pg_catalog.pg_class AS class JOIN pg_catalog.pg_namespace AS space ON space.oid = class.relnamespace \
             WHERE class.oid = pg_catalog.to_regclass({})",
            quote_literal(name)
        );
        let rows = self.ask("looking a table up", &sql)?;
        Ok(rows.map(|rows| rows.first().and_then(|row| Some((row.number(0)?, row.text(1), row.text(2))))))
    }

    /// Resolves a table's name, or says that what is done to it cannot be told.
    fn table(
        &mut self,
        line: usize,
        name: &str,
        doing: &str,
        if_exists: bool,
    ) -> anyhow::Result<Option<(u32, String)>> {
        if self.names.is_created(name) {
            return Ok(None);
        }
        let now = self.names.now(name);
        match self.relation(&now)? {
            Ok(Some((oid, _, name))) => Ok(Some((oid, name))),
            Ok(None) if if_exists => Ok(None),
            Ok(None) => {
                self.unseen(line, format!("{doing} {name}: there is nothing of this name now, so what it destroys cannot be told"));
                Ok(None)
            }
            Err(why) => {
                self.unseen(line, format!("{doing} {name}: what it destroys cannot be told: {why}"));
                Ok(None)
            }
        }
    }

    fn drop(
        &mut self,
        line: usize,
        class: Class,
        name: &str,
        cascade: bool,
        if_exists: bool,
    ) -> anyhow::Result<()> {
        if class == Class::Relation && self.names.is_created(name) {
            return Ok(());
        }
        let literal =
            quote_literal(&if class == Class::Relation { self.names.now(name) } else { name.to_owned() });
        let (catalog, oid) = match class {
            Class::Relation => ("pg_class", format!("pg_catalog.to_regclass({literal})")),
            Class::Schema => ("pg_namespace", format!("pg_catalog.to_regnamespace({literal})")),
            Class::Type => ("pg_type", format!("pg_catalog.to_regtype({literal})")),
            Class::Extension => (
                "pg_extension",
                format!(
                    "(SELECT oid FROM pg_catalog.pg_extension WHERE extname = (pg_catalog.parse_ident({literal}))[1])"
                ),
            ),
            Class::Function => (
                "pg_proc",
                match name.contains('(') {
                    true => format!("pg_catalog.to_regprocedure({literal})"),
                    false => format!("pg_catalog.to_regproc({literal})"),
                },
            ),
        };
        let start = format!(
            "SELECT 'pg_catalog.{catalog}'::pg_catalog.regclass, {oid}::pg_catalog.oid, 0 WHERE {oid} IS NOT NULL"
        );
        let there = self.ask("looking an object up", &start)?;
        match there {
            Ok(rows) if rows.is_empty() => {
                if !if_exists {
                    self.unseen(line, format!("DROP {name}: there is nothing of this name now, so what it destroys cannot be told"));
                }
                return Ok(());
            }
            Ok(_) => {}
            Err(why) => {
                self.unseen(line, format!("DROP {name}: what it destroys cannot be told: {why}"));
                return Ok(());
            }
        }
        self.all_that_goes(line, &start, cascade, name)
    }

    /// Tells what goes with an object, itself included.
    fn all_that_goes(&mut self, line: usize, start: &str, cascade: bool, name: &str) -> anyhow::Result<()> {
        let gone = match self.ask("looking up what depends on it", &dependents::query(start, cascade))? {
            Ok(rows) => rows.iter().map(of_row).collect::<Vec<_>>(),
            Err(why) => {
                self.unseen(line, format!("what goes with {name} cannot be told: {why}"));
                return Ok(());
            }
        };
        let starts_with_relation = gone.iter().any(|one| one.is_start && one.relation.is_some());
        let with_it: Vec<_> = gone
            .iter()
            .filter(|one| !one.is_start && matches!(one.kind.as_str(), "v" | "other"))
            .map(|one| one.described.clone())
            .collect();
        let mut losses: Vec<Loss> = Vec::new();
        for one in &gone {
            let because = (!one.is_start).then(|| name.to_owned());
            let Some((oid, relation)) = &one.relation else { continue };
            let loss = match (one.kind.as_str(), &one.column) {
                ("r" | "p" | "m", _) if !one.is_part && self.told.insert(*oid) => {
                    Some(self.whole(line, *oid, relation, &one.kind)?)
                }
                // The sequence of a column that goes is nothing beside its values.
                ("S", _) if one.is_start => Some(self.sequence(line, relation)?),
                ("column", Some(column)) if !self.told.contains(oid) => {
                    Some(self.column(line, relation, column)?)
                }
                _ => None,
            };
            losses.extend(loss.map(|loss| Loss { because, ..loss }));
        }
        let own = losses.iter().position(|loss| loss.because.is_none()).filter(|_| starts_with_relation);
        if let Some(loss) = losses.get_mut(own.unwrap_or(0)) {
            loss.with_it = with_it;
        }
        self.step.losses.extend(losses);
        Ok(())
    }

    fn drop_column(
        &mut self,
        line: usize,
        table: &str,
        column: &str,
        cascade: bool,
        if_exists: bool,
    ) -> anyhow::Result<()> {
        let column_now = self.names.column_now(table, column);
        if self.names.is_added(table, column) {
            return Ok(());
        }
        let Some((oid, name)) = self.table(line, table, "DROP COLUMN of", if_exists)? else { return Ok(()) };
        if self.told.contains(&oid) {
            return Ok(());
        }
        let start = format!(
            "SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, attrelid, attnum::pg_catalog.int4 FROM pg_catalog.pg_attribute \
             WHERE attrelid = {oid} AND attnum > 0 AND NOT attisdropped AND attname = (pg_catalog.parse_ident({}))[1]",
            quote_literal(&column_now)
        );
        match self.ask("looking a column up", &start)? {
            Ok(rows) if rows.is_empty() && if_exists => Ok(()),
            Ok(rows) if rows.is_empty() => {
                self.unseen(line, format!("DROP COLUMN {column}: {name} has no such column now, so what it destroys cannot be told"));
                Ok(())
            }
            Ok(_) => self.all_that_goes(line, &start, cascade, &format!("{name}.{column_now}")),
            Err(why) => {
                self.unseen(
                    line,
                    format!("DROP COLUMN {column} of {name}: what it destroys cannot be told: {why}"),
                );
                Ok(())
            }
        }
    }

    fn truncate(&mut self, line: usize, table: &str, cascade: bool) -> anyhow::Result<()> {
        let Some((oid, name)) = self.table(line, table, "TRUNCATE", false)? else { return Ok(()) };
        let refers = match cascade {
            true => {
                "UNION SELECT con.conrelid FROM gone JOIN pg_catalog.pg_constraint AS con \
                     ON con.confrelid = gone.oid AND con.contype = 'f'"
            }
            false => "",
        };
        let sql = format!(
            "WITH RECURSIVE gone(oid) AS (SELECT {oid}::pg_catalog.oid {refers}) \
             SELECT class.oid, pg_catalog.format('%I.%I', space.nspname, class.relname), class.relkind \
             FROM gone JOIN pg_catalog.pg_class AS class ON class.oid = gone.oid \
             JOIN pg_catalog.pg_namespace AS space ON space.oid = class.relnamespace ORDER BY class.oid <> {oid}, 2"
        );
        match self.ask("looking up what refers to it", &sql)? {
            Ok(rows) => {
                for row in &rows {
                    let Some(oid) = row.number(0) else { continue };
                    let whole = self.whole(line, oid, &row.text(1), &row.text(2))?;
                    let because = (row.text(1) != name).then(|| format!("TRUNCATE {name} CASCADE"));
                    self.step.losses.push(Loss { what: What::Rows, because, ..whole });
                }
            }
            Err(why) => self.unseen(line, format!("TRUNCATE {name}: what it destroys cannot be told: {why}")),
        }
        Ok(())
    }

    /// What a DELETE or an UPDATE does to rows.
    fn rows(
        &mut self,
        line: usize,
        rows: &Rows,
        what: What,
        columns: Option<&[String]>,
    ) -> anyhow::Result<()> {
        let doing = if what == What::Rows { "DELETE from" } else { "UPDATE of" };
        let Some((oid, name)) = self.table(line, &rows.table, doing, false)? else { return Ok(()) };
        let renamed = self.names.is_renamed(&rows.table);
        let counted = match &rows.count {
            // Its condition speaks of names that are not there yet.
            _ if renamed => Err(String::new()),
            Some(sql) => self.count(sql)?,
            None => Err(String::new()),
        };
        let total = match self.count(&format!("SELECT pg_catalog.count(*) FROM {name}"))? {
            Ok(row) => row.and_then(|row| row.number(0)).map_or(Count::Unknown, Count::Exact),
            Err(_) => self.estimate(oid)?,
        };
        let count = match counted {
            Ok(row) => row.and_then(|row| row.number(0)).map_or(Count::Unknown, Count::Exact),
            Err(_) if rows.all => total.clone(),
            Err(_) => match total {
                Count::Exact(most) => Count::AtMost(most),
                _ => Count::Unknown,
            },
        };
        if matches!(count, Count::Exact(0) | Count::AtMost(0)) {
            return Ok(());
        }
        let target = columns
            .filter(|columns| !columns.is_empty())
            .map(|columns| format!("{name} ({})", columns.join(", ")));
        let mut loss =
            Loss { of: Some(total), ..Loss::new(line, what, &target.unwrap_or_else(|| name.clone()), count) };
        if what == What::Rows {
            loss.with_it = self.referring(oid)?;
        }
        self.step.losses.push(loss);
        Ok(())
    }

    /// The values that are others once they were turned into the new type, and back.
    fn change_type(
        &mut self,
        line: usize,
        table: &str,
        column: &str,
        data_type: &str,
        value: &str,
    ) -> anyhow::Result<()> {
        if self.names.is_added(table, column) {
            return Ok(());
        }
        let Some((oid, name)) = self.table(line, table, "ALTER COLUMN of", false)? else { return Ok(()) };
        let column_now = self.names.column_now(table, column);
        let sql = format!(
            "SELECT pg_catalog.format_type(atttypid, atttypmod), pg_catalog.quote_ident(attname) FROM pg_catalog.pg_attribute \
             WHERE attrelid = {oid} AND attnum > 0 AND NOT attisdropped AND attname = (pg_catalog.parse_ident({}))[1]",
            quote_literal(&column_now)
        );
        let old = self.ask("looking a column up", &sql)?.unwrap_or_default();
        let Some(row) = old.first() else {
            self.unseen(line, format!("TYPE of {column}: {name} has no such column now"));
            return Ok(());
        };
        let (old_type, quoted) = (row.text(0), row.text(1));
        let sql = format!(
            "SELECT pg_catalog.count(*) FILTER (WHERE (({value})::{data_type})::{old_type}::text IS DISTINCT FROM {quoted}::text), \
             pg_catalog.count(*) FROM {name}"
        );
        match self.count(&sql)? {
            Ok(Some(row)) => {
                let changed = row.number(0).unwrap_or_default();
                if changed > 0 {
                    let of = row.number(1).map_or(Count::Unknown, Count::Exact);
                    let what = format!("{name}.{quoted} (from {old_type} to {data_type})");
                    self.step.losses.push(Loss { of: Some(of), ..Loss::new(line, What::Conversion, &what, Count::Exact(changed)) });
                }
            }
            Ok(None) => {}
            Err(why) => self.unseen(
                line,
                format!("{name}.{quoted} goes from {old_type} to {data_type}: which values become others cannot be told: {why}"),
            ),
        }
        Ok(())
    }
}

fn of_row(row: &Row) -> Gone {
    Gone {
        kind: row.text(0),
        described: row.text(1),
        relation: row.number(2).map(|oid| (oid, row.text(3))),
        column: row.get(4).map(str::to_owned),
        is_start: row.flag(5),
        is_part: row.flag(6),
    }
}
