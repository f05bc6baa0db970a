//! What data a roll back destroys, looked up before it does: rows of tables and values of columns that go.
//!
//! The scripts say what goes, the catalogs say what goes with it, and the rows are counted; where counting takes too long the
//! server's estimate is told as one. What cannot be seen (a DO block, a function) is said, too.

mod act;
mod count;
mod dependents;
mod measure;
mod names;
#[cfg(test)]
mod tests;

use migrate_core::Direction;
use migrate_runtime::{Connection, PlannedScript};

use crate::command::Call;
use crate::config::Settings;
use crate::question;
use crate::render::view::LossView;

/// What a run destroys, step by step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Losses {
    pub(crate) steps: Vec<StepLoss>,
}

/// What one step does.
#[derive(Clone, Debug, Default)]
pub(crate) struct StepLoss {
    pub(crate) stem: String,
    pub(crate) losses: Vec<Loss>,
    /// What cannot be told, with the line of the script.
    pub(crate) unseen: Vec<(usize, String)>,
}

/// Data that goes.
#[derive(Clone, Debug)]
pub(crate) struct Loss {
    /// The line of the script.
    pub(crate) line: usize,
    pub(crate) what: What,
    /// With its schema, as SQL writes it.
    pub(crate) name: String,
    /// The rows that go; of a column those that have a value.
    pub(crate) rows: Count,
    /// Of a column, and of rows: how many rows the table has.
    pub(crate) of: Option<Count>,
    pub(crate) bytes: Option<u64>,
    /// It goes because something else does: what.
    pub(crate) because: Option<String>,
    /// What goes with it that holds no data: views, foreign keys.
    pub(crate) with_it: Vec<String>,
}

impl Loss {
    /// So many rows of it, and nothing else that is known.
    pub(crate) fn new(line: usize, what: What, name: &str, rows: Count) -> Self {
        Self {
            line,
            what,
            name: name.to_owned(),
            rows,
            of: None,
            bytes: None,
            because: None,
            with_it: Vec::new(),
        }
    }
}

/// What goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Table,
    /// Can be made again, by whoever has its query.
    MaterializedView,
    Column,
    /// Some or all rows of a table.
    Rows,
    /// The values of columns are overwritten in these rows.
    Values,
    /// So many values become others as a column gets another type.
    Conversion,
    /// The number that a sequence is at.
    Sequence,
}

/// How many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    Exact(u64),
    /// As the server estimates it.
    About(u64),
    AtMost(u64),
    Unknown,
}

impl Losses {
    /// Looks up what the downs among these scripts destroy. Writes nothing and waits for nobody for long.
    ///
    /// # Errors
    ///
    /// A lost connection, and an interrupt. What the server refuses is something that cannot be told.
    pub(crate) fn of(connection: &Connection, scripts: &[PlannedScript]) -> anyhow::Result<Self> {
        let mut measure = measure::Measure::new(connection);
        let mut steps = Vec::new();
        for planned in scripts.iter().filter(|planned| planned.step.direction == Direction::Down) {
            measure.step(&planned.step.stem);
            for act in act::read(&planned.script) {
                measure.act(&act)?;
            }
            steps.push(measure.take());
        }
        Ok(Self { steps })
    }
}

/// Says what the downs among these scripts destroy.
///
/// # Errors
///
/// As [`Losses::of`], and where the database cannot be reached.
pub(crate) fn tell(
    call: &Call,
    settings: &Settings,
    scripts: &[PlannedScript],
    database: &str,
) -> anyhow::Result<()> {
    if let Some(view) = view(call, settings, scripts, database)? {
        call.ui.remark(&view, "loss");
    }
    Ok(())
}

fn view(
    call: &Call,
    settings: &Settings,
    scripts: &[PlannedScript],
    database: &str,
) -> anyhow::Result<Option<LossView>> {
    if scripts.is_empty() {
        return Ok(None);
    }
    let works = call.context.engine_works();
    let connection =
        Connection::open(&call.database(settings)?, "cargo-migrate: loss", &call.context.interrupt)?;
    let losses = Losses::of(&connection, scripts)?;
    drop(works);
    Ok(Some(LossView { database: database.to_owned(), losses }))
}

/// Says it, and asks whether to go on.
///
/// # Errors
///
/// As [`tell`]; where the answer is no, or nobody is there to give one and `yes` was not.
pub(crate) fn tell_and_ask(
    call: &Call,
    settings: &Settings,
    scripts: &[PlannedScript],
    database: &str,
    yes: bool,
) -> anyhow::Result<()> {
    let Some(view) = view(call, settings, scripts, database)? else { return Ok(()) };
    call.ui.before_question(&view, "loss", yes);
    let downs: Vec<_> = scripts.iter().filter(|planned| planned.step.direction == Direction::Down).collect();
    let what = match downs.as_slice() {
        [one] => format!("roll back {}", one.step.stem),
        [first, .., last] => {
            format!("roll back {} migrations, {} to {}", downs.len(), first.step.stem, last.step.stem)
        }
        [] => return Ok(()),
    };
    let place = match &settings.environment {
        Some(environment) => format!("in {}", environment.value),
        None => "here".to_owned(),
    };
    Ok(question::confirm(call.context, &format!("{what} {place}?"), yes)?)
}
