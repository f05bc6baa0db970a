//! Where to break a conversation, and how.

use super::{Direction, Record};

/// One break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// At which message.
    pub trigger: Trigger,
    /// Whether the message itself still goes through.
    pub when: When,
    /// What happens.
    pub action: Action,
}

/// The message that a fault is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// The n-th message from the client, from 1, over all connections.
    Frontend(usize),
    /// The n-th message from the server, from 1, over all connections.
    Backend(usize),
    /// The next Query or Parse whose SQL contains this.
    Sql(String),
    /// The next CommandComplete with this tag.
    Tag(String),
}

/// Whether the message itself still goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// It does not.
    Before,
    /// It does.
    After,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The target is killed (SIGKILL) and all connections end, as they do when a process dies.
    Kill,
    /// All connections end.
    Cut,
    /// This direction of this connection stands still until [`Proxy::release`](super::Proxy::release).
    Hold,
    /// From here on nothing of this direction of this connection arrives, and nothing is closed either.
    Swallow,
}

impl Fault {
    /// A fault.
    pub fn new(when: When, trigger: Trigger, action: Action) -> Self {
        Self { trigger, when, action }
    }

    /// Whether it strikes at this message, the `number`-th of its direction.
    pub(super) fn strikes(&self, record: &Record, number: usize) -> bool {
        let text = record.text.as_deref();
        match (&self.trigger, record.direction) {
            (Trigger::Frontend(n), Direction::ToServer) | (Trigger::Backend(n), Direction::ToClient) => {
                *n == number
            }
            (Trigger::Sql(part), Direction::ToServer) => text.is_some_and(|text| text.contains(part)),
            (Trigger::Tag(tag), Direction::ToClient) => text == Some(tag),
            _ => false,
        }
    }
}

/// Every place at which a conversation of `messages` client messages can be broken. `CHAOS_AT=17 CHAOS_MODE=after`
/// leaves only that one, to run a failure again.
///
/// # Panics
///
/// Where those variables make no sense.
pub fn points(messages: usize) -> Vec<(usize, When)> {
    let variable = |name: &str| std::env::var(name).ok();
    let at = variable("CHAOS_AT").map(|at| at.parse::<usize>().unwrap_or_else(|_| panic!("CHAOS_AT={at}")));
    let mode = variable("CHAOS_MODE").map(|mode| match mode.as_str() {
        "before" => When::Before,
        "after" => When::After,
        _ => panic!("CHAOS_MODE={mode}: `before` or `after`"),
    });
    select(messages, at, mode)
}

fn select(messages: usize, at: Option<usize>, mode: Option<When>) -> Vec<(usize, When)> {
    let all = (1..=messages).flat_map(|n| [(n, When::Before), (n, When::After)]);
    all.filter(|(n, when)| at.is_none_or(|at| at == *n) && mode.is_none_or(|mode| mode == *when)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_there_and_one_can_be_chosen() {
        assert_eq!(
            select(2, None, None),
            [(1, When::Before), (1, When::After), (2, When::Before), (2, When::After)]
        );
        assert_eq!(select(20, Some(17), Some(When::After)), [(17, When::After)]);
        assert_eq!(select(3, None, Some(When::Before)).len(), 3);
    }
}
