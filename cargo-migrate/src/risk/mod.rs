//! How risky a migration is on a production database: from what it locks, whom that blocks, what it rewrites or reads,
//! and how large the table is. `docs/risk.md` has the table and its reasons.
//!
//! What a statement does is known from its text ([`Book::of_text`], after the manual's pages) or was measured
//! ([`Book::of_measured`]); what that means is judged by the same few lines, in `judge`.

mod book;
mod created;
mod effect;
mod form;
mod judge;
mod known;
mod level;
mod measured;
mod name;
mod safer;
mod sizes;
mod touched;

pub(crate) use book::{Book, Touch};
pub(crate) use level::{Danger, Reason, Risk, RiskLevel};
pub(crate) use name::{Name, quoted_rest};
pub(crate) use sizes::Sizes;
pub(crate) use touched::Touched;

use migrate_core::Direction;

/// A script that does the same as a statement more safely, with its names, where one can be written down for a script of
/// this direction.
pub(crate) fn safer(statement: &str, direction: Direction) -> Option<String> {
    let mut effects = form::of(statement, &known::Known::default()).effects;
    if direction == Direction::Down {
        effects.iter_mut().for_each(effect::Effect::in_one_script);
    }
    effects.into_iter().find_map(|effect| effect.safer)
}
