//! A script run statement by statement, each with the question what it did right behind it.

use std::time::{Duration, Instant};

use migrate_core::sql::{LineColumn, first_word};
use migrate_core::{Script, StatementKind};

use super::alone::{ENDS_ITS_TRANSACTION, NOT_IN_A_TRANSACTION, failed_with};
use super::ledger::{Effects, Ledger, scans_before};
use super::stage::{Stage, closing};
use super::{Measured, MeasuredStatement, gated};
use crate::Error;
use crate::journal::{Blocks, Manner, may_commit};
use crate::message::{Message, Part, Work};

/// A script that is being measured.
pub(super) struct Measuring<'m> {
    stage: &'m mut Stage,
    work: Work<'m>,
    ledger: Ledger,
    lines: Vec<usize>,
    pub measured: Measured,
}

impl<'m> Measuring<'m> {
    pub async fn begin(stage: &'m mut Stage, work: Work<'m>) -> Result<Self, Error> {
        let ledger = Ledger::open(stage.observer().await?).await?;
        Ok(Self { stage, work, ledger, lines: lines(work.script), measured: Measured::default() })
    }

    /// A transactional script.
    pub async fn transaction(&mut self) -> Result<(), Error> {
        let opening = self.stage.opening(self.work, &scans_before());
        let rows = self.stage.work.ask("opening a transaction", &opening.sql).await?;
        self.ledger.begin(rows.iter());
        for index in 0..self.work.script.statements.len() {
            let (duration, effects) = self.asked(index).await?;
            self.add(index, duration, effects);
        }
        let since = Instant::now();
        let mut message = Message::default();
        closing(&mut message);
        self.stage.send(self.work, &[Part::Message(message)]).await?;
        self.measured.duration += since.elapsed();
        Ok(())
    }

    /// One statement within a transaction.
    async fn asked(&mut self, index: usize) -> Result<(Duration, Effects), Error> {
        let question = self.ledger.question();
        let (duration, rows) = self.stage.send_and_ask(self.work, index, &question).await?;
        // The first row is the clock's.
        let effects = self.ledger.take(self.stage.observer().await?, rows.iter().skip(1)).await?;
        Ok((duration, effects))
    }

    /// A script without a transaction around it.
    pub async fn statements(&mut self) -> Result<(), Error> {
        self.stage.prepare(self.work).await?;
        let mut blocks = Blocks::default();
        let script = self.work.script;
        for index in 0..script.statements.len() {
            let manner = blocks.manner(script, index);
            let text = script.sql(&script.statements[index]);
            let result = match manner {
                Manner::Wrapped => self.wrapped(index).await,
                // It is run inside a transaction to be seen, and on its own where it ends that.
                Manner::Bare if may_commit(text) => self.wrapped(index).await,
                Manner::Bare => self.gated(index).await,
                Manner::InBlock | Manner::Commits | Manner::Ends => {
                    self.in_block(index, manner, blocks).await
                }
            };
            let result = if failed_with(&result, &[NOT_IN_A_TRANSACTION, ENDS_ITS_TRANSACTION])
                && (manner == Manner::Wrapped || may_commit(text))
            {
                self.gated(index).await
            } else {
                result
            };
            match result {
                Ok((duration, effects)) => self.add(index, duration, effects),
                Err(error) => return Err(self.stage.stopped(self.work, index, blocks, error).await),
            }
            self.stage.judge(self.work, index).await?;
            blocks.step(script, index);
        }
        self.stage.clear().await;
        Ok(())
    }

    /// In a transaction of its own.
    async fn wrapped(&mut self, index: usize) -> Result<(Duration, Effects), Error> {
        let mut opening = self.stage.wrapping(self.work, &self.work.script.statements[index]);
        opening.own(&scans_before(), 1);
        let rows = self.stage.work.ask("opening a transaction", &opening.sql).await?;
        self.ledger.begin(rows.iter());
        let asked = self.asked(index).await?;
        let mut message = Message::default();
        message.commit_at = Some(0);
        message.own("COMMIT", 1);
        self.stage.send(self.work, &[Part::Message(message)]).await?;
        Ok(asked)
    }

    /// In a transaction of the script's own. Nothing is asked before what must come before any query, nor before a
    /// `LOCK`, whose point is that no snapshot was taken.
    async fn in_block(
        &mut self,
        index: usize,
        manner: Manner,
        blocks: Blocks,
    ) -> Result<(Duration, Effects), Error> {
        let statement = self.work.script.statements[index];
        let text = self.work.script.sql(&statement);
        let word = first_word(text);
        let early = ["SET", "LOCK", "RESET"].iter().any(|early| word.eq_ignore_ascii_case(early));
        let control = matches!(statement.kind, StatementKind::TransactionControl(_));
        if manner == Manner::InBlock && !control && !early {
            return self.asked(index).await;
        }
        if blocks.open.is_none() {
            self.settle().await?;
            self.ledger.begin(std::iter::empty());
        }
        let since = Instant::now();
        self.stage.send(self.work, &self.stage.statement(self.work, index, manner)).await?;
        if manner != Manner::InBlock {
            self.ledger.committed();
        }
        Ok((since.elapsed(), Effects::default()))
    }

    /// Has the session report what it counted, so that a transaction that cannot be asked at its beginning starts at 0.
    async fn settle(&self) -> Result<(), Error> {
        if self.stage.major() >= 15 {
            let flush = "SELECT pg_catalog.pg_stat_force_next_flush()";
            self.stage.work.ask("preparing to measure", flush).await?;
        }
        Ok(())
    }

    /// Outside of any transaction, with something in its way where it has to wait, so that its locks can be looked at.
    async fn gated(&mut self, index: usize) -> Result<(Duration, Effects), Error> {
        gated::run(self.stage, &mut self.ledger, self.work, index).await
    }

    fn add(&mut self, index: usize, duration: Duration, effects: Effects) {
        let statement = self.work.script.statements[index];
        let Effects { locks, rewritten, mut scanned, built } = effects;
        if first_word(self.work.script.sql(&statement)).eq_ignore_ascii_case("truncate") {
            // The indexes are built anew on the empty file, which counts as a scan.
            scanned.retain(|table| !rewritten.contains(table));
        }
        self.measured.duration += duration;
        self.measured.statements.push(MeasuredStatement {
            span: statement.start..statement.end,
            line: self.lines[index],
            duration,
            locks,
            rewritten,
            scanned,
            built,
        });
    }
}

/// The line of each statement, in one pass over the text.
fn lines(script: &Script) -> Vec<usize> {
    let (mut at, mut line) = (0, 1);
    let mut lines = Vec::with_capacity(script.statements.len());
    for statement in script.statements.iter() {
        line += LineColumn::of(&script.text[at..statement.start], statement.start - at).line - 1;
        at = statement.start;
        lines.push(line);
    }
    lines
}
