//! Sessions that wait for a lock, and the one at the head of the queue.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::inspection::{Check, Conflict, Finding, Session, Severity, Situation, Touched};
use crate::render::words::{count, time};

/// Rows are waited for all day long; a wait of a second is one that somebody notices.
const NOTICED: Duration = Duration::from_secs(1);

pub(super) struct BlockingChains;

impl Check for BlockingChains {
    fn name(&self) -> &'static str {
        "blocking-chains"
    }

    fn title(&self) -> &'static str {
        "sessions that keep others waiting"
    }

    fn why(&self) -> &'static str {
        "whoever comes to a table with a queue waits at its end, and a migration that waits for a strong lock makes \
         everybody wait who comes after it"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let (touched, locks, sessions) = (situation.touched()?, situation.locks()?, situation.sessions()?);
        let mut findings = Vec::new();
        for root in roots(sessions) {
            let mut chain = Vec::new();
            follow(sessions, root, 1, &mut BTreeSet::from([root]), &mut chain);
            let waited = chain.iter().filter_map(|(_, waiter)| age(waiter)).max().unwrap_or_default();
            let conflicts = Conflict::of(locks, touched, |held| held.pid == Some(root));
            let ours = !conflicts.is_empty() || chain.iter().any(|(_, waiter)| is_touched(touched, waiter));
            let severity = match (waited >= NOTICED, ours) {
                (false, _) => Severity::Info,
                (true, false) => Severity::Warning,
                (true, true) => Severity::Failure,
            };
            let head = sessions.iter().find(|session| session.pid == root);
            let name = head.map_or_else(|| "a prepared transaction".to_owned(), Session::name);
            let mut details: Vec<_> = head.and_then(Session::doing).into_iter().collect();
            details.extend(chain.iter().map(|(depth, waiter)| line(*depth, waiter)));
            findings.push(Finding {
                severity,
                what: format!("{name} keeps {} waiting, for {}", count(chain.len(), "session"), time(waited)),
                details,
                remedy: Some(match head {
                    None => "see prepared-transactions".to_owned(),
                    Some(head) if head.state.as_deref() == Some("active") => format!(
                        "SELECT pg_cancel_backend({root}); and where that does not help SELECT pg_terminate_backend({root});"
                    ),
                    Some(_) => format!("SELECT pg_terminate_backend({root});"),
                }),
                data: json!({
                    "root": head.map(Session::json),
                    "waited_ms": waited.as_millis() as u64,
                    "blocked": chain.iter().map(|(_, waiter)| blocked(waiter)).collect::<Value>(),
                    "conflicts": conflicts.iter().map(Conflict::json).collect::<Value>(),
                }),
            });
        }
        Ok(findings)
    }
}

/// Who blocks a session of this database and waits for nobody.
fn roots(sessions: &[Session]) -> BTreeSet<i32> {
    let waits = |pid: i32| sessions.iter().any(|one| one.pid == pid && !one.blocked_by.is_empty());
    let here = sessions.iter().filter(|session| session.here);
    here.flat_map(|session| &session.blocked_by).copied().filter(|pid| !waits(*pid)).collect()
}

/// Whom a session keeps waiting, and whom they do.
fn follow<'s>(
    sessions: &'s [Session],
    blocker: i32,
    depth: usize,
    seen: &mut BTreeSet<i32>,
    chain: &mut Vec<(usize, &'s Session)>,
) {
    for waiter in sessions.iter().filter(|session| session.blocked_by.contains(&blocker)) {
        if seen.insert(waiter.pid) {
            chain.push((depth, waiter));
            follow(sessions, waiter.pid, depth + 1, seen, chain);
        }
    }
}

/// For how long a session waits. Before PostgreSQL 14, and of those that we may not see, only since when its statement
/// runs is known, or nothing.
fn age(waiter: &Session) -> Option<Duration> {
    waiter.waited.or(waiter.state_age)
}

fn is_touched(touched: &Touched, waiter: &Session) -> bool {
    waiter.waits_on.is_some_and(|oid| touched.of_member(oid).is_some())
}

fn line(depth: usize, waiter: &Session) -> String {
    let indent = "  ".repeat(depth);
    let what = waiter.waits_for.as_ref().map_or_else(|| "a lock".to_owned(), Clone::clone);
    let since = age(waiter).map(|age| format!(" since {}", time(age))).unwrap_or_default();
    let query =
        waiter.query.as_ref().map(|query| format!(": {}", crate::render::words::one_line(query, 100)));
    format!("{indent}{} waits{since} for {what}{}", waiter.name(), query.unwrap_or_default())
}

fn blocked(waiter: &Session) -> Value {
    let mut value = waiter.json();
    value["blocked_by"] = json!(waiter.blocked_by);
    value["waits_for"] = json!(waiter.waits_for);
    value["waited_ms"] = json!(age(waiter).map(|age| age.as_millis() as u64));
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(pid: i32, blocked_by: &[i32]) -> Session {
        Session { pid, here: true, blocked_by: blocked_by.to_vec(), ..Session::default() }
    }

    #[test]
    fn a_chain_has_its_root_first_and_a_circle_ends() {
        let sessions = [
            session(1, &[]),
            session(2, &[1]),
            session(3, &[2]),
            session(4, &[1, 2]),
            session(5, &[6]),
            session(6, &[5]),
        ];
        assert_eq!(roots(&sessions), BTreeSet::from([1]));
        let mut chain = Vec::new();
        follow(&sessions, 1, 1, &mut BTreeSet::from([1]), &mut chain);
        let shown: Vec<_> = chain.iter().map(|(depth, session)| (*depth, session.pid)).collect();
        assert_eq!(shown, [(1, 2), (2, 3), (2, 4)]);
        // A deadlock that the server is about to resolve.
        let mut chain = Vec::new();
        follow(&sessions, 5, 1, &mut BTreeSet::from([5]), &mut chain);
        assert_eq!(chain.len(), 1);
    }
}
