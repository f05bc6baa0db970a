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

pub(crate) use book::Book;
pub(crate) use level::{Danger, Reason, Risk, RiskLevel};
pub(crate) use sizes::Sizes;

/// A script that does the same as a statement more safely, with its names, where one can be written down.
pub(crate) fn safer(statement: &str) -> Option<String> {
    let form = form::of(statement, &known::Known::default());
    form.effects.into_iter().find_map(|effect| effect.safer)
}
