//! What a run would do, to the letter. Executes nothing, and works on a standby.

use migrate_core::{Direction, Goal, Set};

use crate::message::{Attempt, Part};
use crate::migrator::DryRun;
use crate::prove::Moment;
use crate::run::{Prepared, Runner};
use crate::{Error, history};

impl Runner<'_> {
    /// The steps to the goal and the SQL of each message of the run.
    pub async fn dry_run(&mut self, set: &Set, goal: Goal) -> Result<DryRun, Error> {
        let rows = self.read().await?;
        if rows.iter().any(|row| row.dirty) {
            return Err(self.refuse_dirty(set, &rows).await);
        }
        self.rows = rows.len();
        let plan = self.plan(set, &rows, goal).await?;
        let steps = self.scripts(&plan).await?;
        let mut sql = Vec::new();
        if !steps.is_empty()
            && let Some(create) = history::create(&self.settings.history, &self.probe)
        {
            sql.push(format!("BEGIN;\n{create};\nCOMMIT"));
        }
        if self.settings.single_transaction && !steps.is_empty() {
            if let Some(step) = steps.iter().find(|step| !step.transactional()) {
                return Err(Error::SingleTransaction { stem: step.stem.clone() });
            }
            sql.extend(self.messages(&steps, true));
        } else {
            for (index, step) in steps.iter().enumerate() {
                if step.transactional() {
                    let durable = crate::run::is_durable(&steps, index);
                    sql.extend(self.messages(std::slice::from_ref(step), durable));
                } else {
                    sql.extend(self.journal_messages(step));
                }
                match step.direction {
                    Direction::Up => self.rows += 1,
                    Direction::Down => self.rows = self.rows.saturating_sub(1),
                }
            }
        }
        Ok(DryRun { steps: steps.iter().map(Prepared::planned).collect(), warnings: plan.warnings, sql })
    }

    fn messages(&self, steps: &[Prepared<'_>], durable: bool) -> Vec<String> {
        let attempt = Attempt { lock_timeout: None, durable, prove: self.proves(steps) };
        let works: Vec<_> = steps.iter().map(|step| (step.work(), self.record(step))).collect();
        let parts = self.builder().transaction(&works, self.rows, attempt);
        parts.into_iter().flat_map(texts).collect()
    }
}

/// The messages of a part.
fn texts(part: Part<'_>) -> Vec<String> {
    match part {
        Part::Checks { asking, .. } => asking.messages(),
        part => vec![text(part)],
    }
}

pub(crate) fn text(part: Part<'_>) -> String {
    match part {
        Part::Message(message) => message.sql,
        Part::Script { work, range, .. } => work.script.body_of(range.0, range.1).into_owned(),
        Part::Copy { work, statement } => match statement.kind {
            migrate_core::StatementKind::CopyFromStdin { data_start, data_end } => {
                format!("{};\n{}\\.", work.script.sql(&statement), &work.script.text[data_start..data_end])
            }
            _ => work.script.sql(&statement).to_owned(),
        },
        Part::Checks { asking, .. } => asking.messages().join(";\n"),
        Part::Schema { moment: Moment::Before, .. } => "-- prove: here the schema is read".to_owned(),
        Part::Schema { moment: Moment::After, .. } => {
            "-- prove: here it is read again, and ROLLBACK follows where the \
             change is not the recorded one"
                .to_owned()
        }
    }
}
