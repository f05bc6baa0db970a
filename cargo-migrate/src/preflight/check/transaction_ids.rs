//! How old the oldest transaction ids are.

use serde_json::json;

use super::finding;
use crate::inspection::{Check, Finding, Severity, Situation};

pub(super) struct TransactionIds;

/// Half of all 32-bit transaction ids are in the future.
const LIMIT: u64 = 1 << 31;
/// So many before the limit the server begins to warn ("Preventing Transaction ID Wraparound Failures"); three million
/// before, it takes no transaction that writes.
const WARNS: u64 = 40_000_000;

impl Check for TransactionIds {
    fn name(&self) -> &'static str {
        "transaction-ids"
    }

    fn title(&self) -> &'static str {
        "age of the oldest transaction id"
    }

    fn why(&self) -> &'static str {
        "near their end the server takes no writes at all; before, an autovacuum that does not give way begins to work on \
         the old tables, perhaps in the middle of a run"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let rows = situation.ask(
            "asking for the age of transaction ids",
            "SELECT age(datfrozenxid), mxid_age(datminmxid), current_setting('autovacuum_freeze_max_age')::int8, \
             current_setting('autovacuum_multixact_freeze_max_age')::int8, \
             (SELECT max(age(datfrozenxid)) FROM pg_database), (SELECT max(mxid_age(datminmxid)) FROM pg_database) \
             FROM pg_database WHERE datname = current_database()",
        )?;
        let Some(row) = rows.first() else { return Ok(Vec::new()) };
        let number = |column: usize| row.number::<u64>(column).unwrap_or_default();
        let (age, multi, freeze, multi_freeze) = (number(0), number(1), number(2), number(3));
        let mut findings = Vec::new();
        for (what, oldest, own, most) in
            [("transaction", number(4), age, freeze), ("multixact", number(5), multi, multi_freeze)]
        {
            let left = LIMIT.saturating_sub(oldest);
            let data = json!({ "kind": what, "age": own, "oldest_age": oldest, "left": left, "freeze_max_age": most });
            if left <= WARNS {
                findings.push(Finding {
                    remedy: Some(
                        "end old transactions, prepared transactions and unused replication slots first, then VACUUM \
                         (FREEZE) the oldest tables; see \"Preventing Transaction ID Wraparound Failures\" in the manual"
                            .into(),
                    ),
                    ..finding(
                        Severity::Failure,
                        format!("{left} {what} ids are left before the server takes no more writes"),
                        data,
                    )
                });
            } else if own > most {
                findings.push(Finding {
                    remedy: Some("VACUUM (FREEZE) the oldest tables before, when few people work".into()),
                    ..finding(
                        Severity::Warning,
                        format!(
                            "the oldest {what} id of this database is {own} old: beyond {most} autovacuum works on its \
                             tables and does not give way"
                        ),
                        data,
                    )
                });
            }
        }
        // A table that is nearly due may become so in the middle of the run.
        for table in &situation.touched()?.tables {
            if let Some(age) = table.age.filter(|age| *age * 20 >= freeze * 19) {
                findings.push(Finding {
                    remedy: Some(format!("VACUUM (FREEZE) {};", table.name)),
                    ..finding(
                        Severity::Warning,
                        format!("{} is {age} transactions old, and at {freeze} an autovacuum that does not give way takes it", table.name),
                        json!({ "table": table.name, "age": age, "freeze_max_age": freeze }),
                    )
                });
            }
        }
        if findings.is_empty() {
            findings.push(finding(
                Severity::Info,
                format!("the oldest transaction id is {age} old of {freeze}, after which autovacuum does not give way"),
                json!({ "age": age, "multixact_age": multi, "freeze_max_age": freeze, "left": LIMIT.saturating_sub(number(4)) }),
            ));
        }
        Ok(findings)
    }
}
