//! What can be done in a sequence. Numbers pick among what is there then, so that any step may be left out.

use super::random::Random;

/// One step.
#[derive(Clone, Copy, Debug)]
pub enum Operation {
    /// A migration is written, with the next number or, `below`, with one between others.
    Add { kind: Kind, below: bool, pick: usize },
    /// A file gets another text.
    Edit { pick: usize, kind: Kind },
    /// A file is deleted.
    Delete { pick: usize },
    /// A file gets another description.
    Rename { pick: usize },
    /// Two files change their numbers.
    Swap { pick: usize },
    /// The files are put back to what the history has.
    Restore,
    /// Up: all, or this many.
    Apply { steps: Option<usize>, out_of_order: bool, single: bool },
    /// Down: all, or this many, with the recorded texts.
    Back { steps: Option<usize> },
    /// Down and up again.
    Redo { steps: usize },
    /// A run that ends at its n-th event.
    Kill { up: bool, event: usize, how: Kill },
    /// A row is changed by hand, a run is tried, and the row is put back.
    Tamper { pick: usize, how: Tamper },
    /// Renamed files are recorded under their new names.
    Repair,
}

/// What a migration does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One table.
    Plain,
    /// Two tables and an insert.
    Several,
    /// A table, a concurrent index, another table.
    Concurrent,
    /// A table, then an error.
    Fails,
    /// The same outside of a transaction.
    FailsConcurrently,
}

/// How a run ends too early.
#[derive(Clone, Copy, Debug)]
pub enum Kill {
    /// The process is gone: its connections close.
    Process,
    /// The server ends its sessions.
    Sessions,
    /// Somebody presses Ctrl-C.
    Interrupt,
}

/// How a row is changed by hand.
#[derive(Clone, Copy, Debug)]
pub enum Tamper {
    Delete,
    Garbage,
    OtherChecksum,
    Unknown,
    Double,
}

impl Operation {
    pub fn any(random: &mut Random) -> Self {
        let pick = random.below(1000);
        let some = |random: &mut Random| random.yes().then(|| random.below(3) + 1);
        match random.below(30) {
            0..=7 => Self::Add { kind: Kind::any(random), below: random.below(6) == 0, pick },
            8 => Self::Edit { pick, kind: Kind::any(random) },
            9 => Self::Delete { pick },
            10 => Self::Rename { pick },
            11 => Self::Swap { pick },
            12..=14 => Self::Restore,
            15..=19 => {
                let single = random.below(6) == 0;
                Self::Apply { steps: some(random), out_of_order: random.below(4) == 0, single }
            }
            20..=21 => Self::Back { steps: some(random) },
            22 => Self::Redo { steps: random.below(3) + 1 },
            23..=27 => {
                let how = [Kill::Process, Kill::Sessions, Kill::Interrupt][random.below(3)];
                Self::Kill { up: random.below(3) > 0, event: random.below(14), how }
            }
            28 => {
                use Tamper::{Delete, Double, Garbage, OtherChecksum, Unknown};
                Self::Tamper { pick, how: [Delete, Garbage, OtherChecksum, Unknown, Double][random.below(5)] }
            }
            _ => Self::Repair,
        }
    }
}

impl Kind {
    fn any(random: &mut Random) -> Self {
        match random.below(12) {
            0..=4 => Self::Plain,
            5..=7 => Self::Several,
            8..=9 => Self::Concurrent,
            10 => Self::Fails,
            _ => Self::FailsConcurrently,
        }
    }
}
