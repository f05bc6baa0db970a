//! What the statements of a migration did: for people those that matter, for programs all.

use std::time::Duration;

use serde_json::{Value, json};

use super::step::{who, written, written_json};
use crate::rehearse::{Statement, Step};
use crate::render::json::milliseconds;
use crate::render::words::{count, one_line, time};
use crate::render::{Paint, escape_line};

/// Of one migration no more statements are told.
const SHOWN: usize = 5;
/// What is shorter is not worth a line.
const SLOW: Duration = Duration::from_millis(100);
/// So much of a statement says which it is.
const WIDE: usize = 76;

/// Those that keep others out, write a table anew, or take a good part of the migration's time. Of a migration with one
/// statement all is said already.
pub(super) fn human(step: &Step, paint: Paint) -> String {
    let statements = &step.statements;
    let all = statements.iter().map(|one| one.count).sum::<usize>();
    if all < 2 {
        return String::new();
    }
    let whole = step.elapsed.unwrap_or_default();
    let matters = |one: &&Statement| {
        let slow = one.elapsed >= SLOW && one.elapsed * 10 >= whole;
        slow || one.blocks() || !one.rewritten.is_empty() || !one.built.is_empty()
    };
    let mut shown: Vec<_> = statements.iter().filter(matters).collect();
    shown.sort_by_key(|one| std::cmp::Reverse(one.elapsed));
    shown.truncate(SHOWN);
    shown.sort_by_key(|one| one.number);
    let mut text = String::new();
    for one in &shown {
        text += &format!("  {}\n", head(one, paint));
        for line in effects(one) {
            text += &format!("    {}\n", escape_line(&line));
        }
    }
    let (told, took) = shown
        .iter()
        .fold((0, Duration::ZERO), |(number, took), one| (number + one.count, took + one.elapsed));
    let rest = statements.iter().map(|one| one.elapsed).sum::<Duration>().saturating_sub(took);
    if told > 0 && told < all {
        text += &format!("  {} more in {}\n", count(all - told, "statement"), time(rest));
    }
    text
}

/// `line 3 (230 ms): ALTER TABLE …`
fn head(one: &Statement, paint: Paint) -> String {
    let several = match one.count {
        1 => String::new(),
        number => format!(" and the {} after it", count(number - 1, "statement")),
    };
    let sql = one_line(&one.sql, WIDE);
    format!(
        "{} ({}): {}{several}",
        paint.bold(&format!("line {}", one.line)),
        time(one.elapsed),
        escape_line(&sql)
    )
}

fn effects(one: &Statement) -> Vec<String> {
    let mut lines: Vec<_> = one
        .locks
        .iter()
        .filter_map(|lock| {
            let who = who(lock.readers, lock.writers)?;
            Some(format!("takes {} on {}: {who}", lock.mode.name(), lock.table))
        })
        .take(SHOWN)
        .collect();
    for (verb, list) in [("rewrites", &one.rewritten), ("builds", &one.built)] {
        if !list.is_empty() {
            lines.push(format!("{verb} {}", written(list)));
        }
    }
    lines
}

/// A statement for programs.
pub(super) fn json(one: &Statement) -> Value {
    let locks = one.locks.iter().map(|lock| {
        json!({
            "table": lock.table,
            "mode": lock.mode.name(),
            "reader_wait_ms": lock.readers.map(milliseconds),
            "writer_wait_ms": lock.writers.map(milliseconds),
        })
    });
    json!({
        "number": one.number,
        "count": one.count,
        "line": one.line,
        "sql": one.sql,
        "elapsed_ms": milliseconds(one.elapsed),
        "locks": locks.collect::<Value>(),
        "rewritten": written_json(&one.rewritten),
        "built": written_json(&one.built),
    })
}

#[cfg(test)]
mod tests {
    use migrate_core::Direction;
    use migrate_runtime::rehearsal::LockMode;

    use super::*;
    use crate::rehearse::{Taken, Written};

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn statement(number: usize, ms: u64, sql: &str) -> Statement {
        Statement {
            number,
            count: 1,
            line: number * 2,
            sql: sql.to_owned(),
            elapsed: MS(ms),
            locks: Vec::new(),
            rewritten: Vec::new(),
            built: Vec::new(),
        }
    }

    fn step(statements: Vec<Statement>) -> Step {
        Step {
            stem: "0002_a".to_owned(),
            direction: Direction::Up,
            elapsed: Some(MS(1000)),
            attempts: 1,
            tables: Vec::new(),
            rewritten: Vec::new(),
            built: Vec::new(),
            wal: 0,
            statements,
        }
    }

    #[test]
    fn those_that_block_and_those_that_take_long_are_told() {
        let mut alter = statement(1, 3, "ALTER TABLE a\n  ALTER n TYPE\u{1b} bigint");
        let mode = LockMode::AccessExclusive;
        let table = "public.a".to_owned();
        alter.locks.push(Taken { table, mode, readers: Some(MS(900)), writers: Some(MS(901)) });
        alter.rewritten.push(Written { name: "public.a".to_owned(), bytes: 20 << 20 });
        let slow = statement(3, 800, "UPDATE b SET x = 1");
        let step = step(vec![alter.clone(), statement(2, 99, "SELECT 1"), slow, statement(4, 5, "SELECT 2")]);
        let paint = Paint { on: false };
        assert_eq!(
            human(&step, paint),
            "  line 2 (3 ms): ALTER TABLE a ALTER n TYPE\\u{1b} bigint\n    \
             takes ACCESS EXCLUSIVE on public.a: a reader waited 900 ms, a writer 901 ms\n    \
             rewrites public.a (20 MB)\n  line 6 (800 ms): UPDATE b SET x = 1\n  2 statements more in 104 ms\n"
        );
        let value = json(&alter);
        assert_eq!((&value["line"], &value["locks"][0]["reader_wait_ms"]), (&json!(2), &json!(900.0)));
        // One statement is the migration.
        assert_eq!(human(&Step { statements: vec![alter], ..step }, paint), "");
    }
}
