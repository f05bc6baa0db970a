//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

use postgres::{Client, SimpleQueryMessage};

/// How long a condition may take to come true: only a broken test waits this long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Runs `sql` until the first column of its first row is `expected` (`NULL` for a null, an empty text for no row).
///
/// # Panics
///
/// After 30 seconds, with what the query answered last.
#[track_caller]
pub fn poll_until(client: &mut Client, sql: &str, expected: &str) {
    let mut last = String::new();
    let done = || {
        last = answer(client, sql);
        last == expected
    };
    assert!(holds(done), "`{sql}` was `{last}` and not `{expected}` for {PATIENCE:?}");
}

/// The first column of the first row.
pub fn answer(client: &mut Client, sql: &str) -> String {
    let messages = client.simple_query(sql).unwrap_or_else(|error| panic!("`{sql}`: {error:?}"));
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("NULL").to_owned()),
        _ => None,
    });
    row.unwrap_or_default()
}

/// Asks until the answer is yes.
///
/// # Panics
///
/// After 30 seconds, naming what was waited for.
#[track_caller]
pub fn until(what: &str, done: impl FnMut() -> bool) {
    assert!(holds(done), "waited {PATIENCE:?} for {what}");
}

fn holds(mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if done() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_asked_until_it_answers_as_expected() {
        let database = migrate_testing::scratch().unwrap();
        let mut client = database.connect().unwrap();
        client.batch_execute("CREATE SEQUENCE s").unwrap();
        poll_until(&mut client, "SELECT nextval('s')", "5");
        assert_eq!(answer(&mut client, "SELECT NULL"), "NULL");
        assert_eq!(answer(&mut client, "SELECT 1 WHERE false"), "");
    }
}
