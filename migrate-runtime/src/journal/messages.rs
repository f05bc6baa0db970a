//! The SQL of the journal: what goes before, between and behind the statements of a script.

use std::borrow::Cow;
use std::time::Duration;

use migrate_core::sql;
use migrate_core::{Direction, Moment as CheckMoment, Script, StatementKind};

use super::manner::{Blocks, Manner};
use crate::history_table::quote_literal;
use crate::message::{AS_OURSELVES, KEEPALIVES, Part, RESET, application, milliseconds};
use crate::record::Line;
use crate::run::{Prepared, Runner};

impl Runner<'_> {
    /// The messages of a whole script, for a dry run.
    pub fn journal_messages(&self, step: &Prepared<'_>) -> Vec<String> {
        let mut messages =
            self.alone(step, CheckMoment::Before).map_or_else(Vec::new, |asking| asking.messages());
        messages.push(self.opening(step, 0));
        messages.extend(self.session_settings(step));
        let mut blocks = Blocks::default();
        for (index, statement) in step.script.statements.iter().enumerate() {
            let text = step.script.sql(statement);
            let timeout = self.statement_lock_timeout(step, text);
            let manner = blocks.manner(&step.script, index);
            if manner == Manner::Wrapped {
                let done = self.recorder.log(&self.journal_line(step, index, "ok"));
                let parts = self.builder().statement(step.work(), index, timeout, &done);
                messages.extend(parts.into_iter().map(crate::dry_run::text));
            } else {
                messages.extend(self.before(step, index, manner, blocks, timeout));
                messages.push(match statement.kind {
                    StatementKind::CopyFromStdin { .. } => {
                        crate::dry_run::text(Part::Copy { work: step.work(), statement: *statement })
                    }
                    _ => text.to_owned(),
                });
                messages.extend(self.after(step, index, manner, blocks));
            }
            blocks.step(&step.script, index);
        }
        if let Some(asking) = self.alone(step, CheckMoment::After) {
            messages.extend(asking.messages());
        }
        messages.push(self.closing(step, Duration::ZERO));
        messages
    }

    /// The dirty row, and the start of the journal with the texts in force.
    pub(super) fn opening(&self, step: &Prepared<'_>, from: usize) -> String {
        let total = step.script.statements.len();
        let text = sql::mask_secrets(&step.script.text);
        let down = recorded_down(step);
        let line = match step.direction {
            Direction::Up => {
                Line { action: "up", up_sql: Some(&text), down_sql: down.as_deref(), ..Line::default() }
            }
            Direction::Down => Line { action: "down", down_sql: Some(&text), ..Line::default() },
        };
        let line = self.recorder.log(&Line {
            version: &step.version,
            outcome: if from == 0 { "started" } else { "resumed" },
            checksum: Some(step.script.checksum.to_string()),
            statement: Some((from, total)),
            backend: true,
            ..line
        });
        let checksum = match (step.direction, step.migration) {
            (Direction::Up, _) => step.script.checksum.to_string(),
            (Direction::Down, Some(migration)) => migration.up.checksum.to_string(),
            (Direction::Down, None) => String::new(),
        };
        let dirty = match step.direction {
            Direction::Up => self.recorder.dirty(&step.version, &checksum),
            Direction::Down => format!(
                "UPDATE {} SET dirty = true WHERE version = {}",
                self.settings.history.quoted(),
                quote_literal(&step.version)
            ),
        };
        format!("BEGIN;\n{};\n{dirty};\n{line};\nCOMMIT", self.builder().fence())
    }

    /// What holds for all statements; `None` behind a pooler, where a setting would reach other clients.
    pub(super) fn session_settings(&self, step: &Prepared<'_>) -> Option<String> {
        if self.probe.pooled {
            return None;
        }
        let name = quote_literal(&application(self.settings, &step.stem));
        let mut set = format!("SET application_name = {name}");
        if self.probe.checks_client {
            set += ";SET client_connection_check_interval = 1000";
        }
        if self.probe.over_tcp {
            set += &format!(";{}", KEEPALIVES.replace("SET LOCAL", "SET"));
        }
        if let Some(timeout) = step.script.directives.statement_timeout.or(self.settings.statement_timeout) {
            set += &format!(";SET statement_timeout = {}", milliseconds(timeout));
        }
        Some(set)
    }

    /// The row is clean, or gone; the session too.
    pub(super) fn closing(&self, step: &Prepared<'_>, elapsed: Duration) -> String {
        let row = match step.direction {
            Direction::Up => self.recorder.clean(&step.version),
            Direction::Down => self.recorder.forget(&step.version),
        };
        let duration = format!("{}", elapsed.as_secs_f64() * 1000.0);
        let up = sql::mask_secrets(&step.script.text);
        let is_up = step.direction == Direction::Up;
        let down = recorded_down(step);
        let line = self.recorder.log(&Line {
            version: &step.version,
            action: if is_up { "up" } else { "down" },
            outcome: "ok",
            checksum: Some(step.script.checksum.to_string()),
            duration: Some(&duration),
            up_sql: is_up.then_some(up.as_ref()),
            down_sql: down.as_deref().filter(|_| is_up),
            ..Line::default()
        });
        let reset = if self.probe.pooled { String::new() } else { format!("{RESET};\n") };
        format!("{reset}BEGIN;\n{};\n{row};\n{line};\nCOMMIT", self.builder().fence())
    }

    /// What goes before a statement that is not wrapped.
    pub(super) fn before(
        &self,
        step: &Prepared<'_>,
        index: usize,
        manner: Manner,
        blocks: Blocks,
        timeout: Duration,
    ) -> Option<String> {
        match manner {
            Manner::Bare => {
                let started = self.recorder.log(&self.journal_line(step, index, "started"));
                let timeout = format!("SET lock_timeout = {};\n", milliseconds(timeout));
                let set = if self.probe.pooled { "" } else { &timeout };
                Some(format!("{set}{AS_OURSELVES};\n{started}"))
            }
            Manner::Commits => Some(self.block_records(step, index, blocks)),
            // The settings of a transaction come before it: the first statement in it may be SET TRANSACTION.
            Manner::InBlock if begins(&step.script, index) && !self.probe.pooled => {
                Some(format!("SET lock_timeout = {}", milliseconds(timeout)))
            }
            Manner::InBlock | Manner::Ends | Manner::Wrapped => None,
        }
    }

    /// What goes behind a statement that is not wrapped.
    pub(super) fn after(
        &self,
        step: &Prepared<'_>,
        index: usize,
        manner: Manner,
        blocks: Blocks,
    ) -> Option<String> {
        match manner {
            Manner::Bare => {
                let done = self.recorder.log(&self.journal_line(step, index, "ok"));
                Some(format!("{AS_OURSELVES};\n{done}"))
            }
            Manner::Ends => Some(self.block_records(step, index, blocks)),
            Manner::InBlock | Manner::Commits | Manner::Wrapped => None,
        }
    }

    /// The records of a block, from its first statement without one to this.
    fn block_records(&self, step: &Prepared<'_>, index: usize, blocks: Blocks) -> String {
        let mut records = AS_OURSELVES.to_owned();
        for index in blocks.open.unwrap_or(index)..=index {
            records += ";\n";
            records += &self.recorder.log(&self.journal_line(step, index, "ok"));
        }
        records
    }

    /// How long a statement may wait for a lock. One that waits by design, for other transactions to end, is watched
    /// instead.
    pub(super) fn statement_lock_timeout(&self, step: &Prepared<'_>, text: &str) -> Duration {
        if sql::waits_by_design(text) {
            return Duration::ZERO;
        }
        step.script.directives.lock_timeout.unwrap_or(self.settings.lock_timeout)
    }

    pub(super) fn journal_line<'l>(
        &self,
        step: &'l Prepared<'_>,
        index: usize,
        outcome: &'l str,
    ) -> Line<'l> {
        Line {
            version: &step.version,
            action: "statement",
            outcome,
            statement: Some((index + 1, step.script.statements.len())),
            ..Line::default()
        }
    }
}

fn begins(script: &Script, index: usize) -> bool {
    let text = script.sql(&script.statements[index]);
    matches!(sql::control_of(text), Some(sql::Control::Begin { .. }))
}

/// The down text that is recorded with an up: the file's, and where there is no file the one that was recorded before.
/// Without it what is resumed from the record could not be rolled back.
fn recorded_down<'s>(step: &'s Prepared<'_>) -> Option<Cow<'s, str>> {
    match step.migration {
        Some(migration) => migration.down.as_ref().map(|down| sql::mask_secrets(&down.text)),
        None => step.recorded_down.as_deref().map(Cow::Borrowed),
    }
}
