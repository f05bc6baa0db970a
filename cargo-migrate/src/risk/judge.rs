//! What it means: the table of `docs/risk.md`.

use migrate_runtime::rehearsal::LockMode;

use super::effect::{Effect, Loss, Work};
use super::level::{At, Danger, Reason, RiskLevel};

/// A table below this is read or written anew faster than anybody notices: 16 MB take a tenth of a second.
const SMALL: u64 = 16 << 20;
/// From here on it takes seconds to read and minutes to write with its indexes: 1 GB.
const LARGE: u64 = 1 << 30;

/// How long the work on a table takes, as far as its size tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Size {
    Small,
    /// Also where nobody knows: most tables are smaller than a gigabyte, and a risk that is always the highest says
    /// nothing.
    Medium,
    Large,
}

impl Size {
    fn of(bytes: Option<u64>) -> Self {
        match bytes {
            Some(bytes) if bytes < SMALL => Self::Small,
            Some(bytes) if bytes >= LARGE => Self::Large,
            _ => Self::Medium,
        }
    }
}

/// Work under a lock.
pub(super) fn level(work: Work, mode: LockMode, bytes: Option<u64>) -> RiskLevel {
    let size = Size::of(bytes);
    // The rows that are written are locked, whatever the table's lock lets pass.
    let blocks_writes = mode.blocks_writes() || work == Work::Rows;
    match (work, mode.blocks_reads()) {
        (Work::None, _) => RiskLevel::Low,
        (Work::Rewrite, true) => match size {
            // The rewrite itself is short, the exclusive lock and its queue are not nothing.
            Size::Small => RiskLevel::Medium,
            Size::Medium => RiskLevel::High,
            Size::Large => RiskLevel::Critical,
        },
        (_, true) => match size {
            Size::Small => RiskLevel::Low,
            Size::Medium => RiskLevel::High,
            Size::Large => RiskLevel::Critical,
        },
        (_, false) if blocks_writes => match size {
            Size::Small => RiskLevel::Low,
            Size::Medium => RiskLevel::Medium,
            Size::Large => RiskLevel::High,
        },
        (_, false) => RiskLevel::Low,
    }
}

/// What is lost. A down that takes away what its own up made is meant to; what was written since is gone all the same.
pub(super) fn loss_level(loss: Loss, undoes: bool) -> RiskLevel {
    match (loss, undoes) {
        (_, true) => RiskLevel::Medium,
        (Loss::Column, false) => RiskLevel::High,
        (Loss::Rows, false) => RiskLevel::Critical,
    }
}

/// What one effect comes to: nothing where nobody waits and nothing is lost.
pub(super) fn reasons(effect: &Effect, at: At, bytes: Option<u64>, undoes: bool) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let table = effect.table.as_ref().map(ToString::to_string);
    let mut push = |level, danger, why: String, safer: Option<String>| {
        reasons.push(Reason {
            level,
            danger,
            line: at.line,
            start: at.start,
            table: table.clone(),
            mode: Some(effect.mode),
            bytes,
            why,
            safer,
        });
    };
    if let Some(loss) = effect.loss {
        push(loss_level(loss, undoes), Danger::Loses, loss_in_words(effect, loss, undoes), None);
    }
    let blocks = effect.mode.blocks_writes() || effect.work == Work::Rows;
    if blocks && (effect.loss.is_none() || effect.work != Work::None) {
        let level = level(effect.work, effect.mode, bytes);
        push(level, Danger::Waits, in_words(effect, bytes), effect.safer.clone());
    }
    reasons
}

fn loss_in_words(effect: &Effect, loss: Loss, undoes: bool) -> String {
    let what = match (&effect.table, loss) {
        (Some(table), Loss::Column) => format!("the values of a column of `{table}`"),
        (Some(table), Loss::Rows) => format!("all rows of `{table}`"),
        (None, Loss::Column) => "columns that depend on it, with their values,".to_owned(),
        (None, Loss::Rows) => "everything in it".to_owned(),
    };
    let since = if undoes { "what its up made goes, and with it what was written since: " } else { "" };
    let verb = match (&effect.table, loss) {
        (Some(_), _) => "are gone for good",
        (None, Loss::Column) => "are gone for good",
        (None, Loss::Rows) => "is gone for good",
    };
    format!("{}: {since}{what} {verb}", effect.form)
}

fn in_words(effect: &Effect, bytes: Option<u64>) -> String {
    let table = effect.table.as_ref().map_or_else(|| "it".to_owned(), |table| format!("`{table}`"));
    let size = bytes.map(|bytes| format!(" ({})", megabytes(bytes))).unwrap_or_default();
    let worked = effect.work_on.as_ref().or(effect.table.as_ref());
    let worked = worked.map_or_else(|| "the tables".to_owned(), |table| format!("`{table}`"));
    let whom = match effect.mode.blocks_reads() {
        true => format!("nobody can read or write {table}"),
        false => format!("nobody can write to {table}"),
    };
    let what = match effect.work {
        Work::None => return format!("{}: {whom} for a moment{}", effect.form, remark(effect)),
        Work::Scan => format!("all of {worked}{size} is read"),
        Work::Build => format!("an index on {worked}{size} is built"),
        Work::Rows => {
            return format!(
                "{}: every row of {worked}{size} is written, and locked until the commit{}",
                effect.form,
                remark(effect)
            );
        }
        Work::Rewrite => format!("{worked}{size} is written anew"),
    };
    format!("{}: {what}, and {whom} meanwhile{}", effect.form, remark(effect))
}

fn remark(effect: &Effect) -> String {
    effect.remark.map(|remark| format!(" ({remark})")).unwrap_or_default()
}

/// A lock that an earlier statement took is held while a later one works.
pub(super) fn held(first: &Effect, since: At, later: &Effect, at: At, bytes: Option<u64>) -> Reason {
    let table = first.table.as_ref().map(ToString::to_string);
    let whom = if first.mode.blocks_reads() { "read or write" } else { "write to" };
    let shown = table.clone().unwrap_or_default();
    Reason {
        level: level(later.work, first.mode, bytes),
        danger: Danger::Held,
        line: at.line,
        start: at.start,
        table,
        mode: Some(first.mode),
        bytes,
        why: format!(
            "{}: nobody can {whom} `{shown}` meanwhile, because the lock of line {} is held until the commit; put \
             one of the two into a migration of its own",
            later.form, since.line
        ),
        safer: None,
    }
}

/// `830 MB`, `12 GB`.
pub(crate) fn megabytes(bytes: u64) -> String {
    match bytes {
        0..=1_048_575 => format!("{} kB", bytes >> 10),
        1_048_576..=10_737_418_239 => format!("{} MB", bytes >> 20),
        _ => format!("{} GB", bytes >> 30),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_documentation() {
        use LockMode::{AccessExclusive, RowExclusive, Share, ShareUpdateExclusive};
        use RiskLevel::{Critical, High, Low, Medium};
        let sizes = [Some(1 << 20), None, Some(100 << 20), Some(2 << 30)];
        for (work, mode, expected) in [
            (Work::None, AccessExclusive, [Low, Low, Low, Low]),
            (Work::Scan, ShareUpdateExclusive, [Low, Low, Low, Low]),
            (Work::Build, ShareUpdateExclusive, [Low, Low, Low, Low]),
            (Work::Build, Share, [Low, Medium, Medium, High]),
            (Work::Scan, LockMode::ShareRowExclusive, [Low, Medium, Medium, High]),
            (Work::Rows, RowExclusive, [Low, Medium, Medium, High]),
            (Work::Scan, AccessExclusive, [Low, High, High, Critical]),
            (Work::Build, AccessExclusive, [Low, High, High, Critical]),
            (Work::Rewrite, AccessExclusive, [Medium, High, High, Critical]),
        ] {
            assert_eq!(sizes.map(|bytes| level(work, mode, bytes)), expected, "{work:?} {mode:?}");
        }
        assert_eq!(loss_level(Loss::Rows, false), Critical);
        assert_eq!(loss_level(Loss::Column, false), High);
        assert_eq!(loss_level(Loss::Rows, true), Medium);
    }
}
