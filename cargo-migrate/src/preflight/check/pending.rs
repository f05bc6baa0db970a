//! What is pending: how risky it is, what it locks, and how long it took before.

use std::collections::HashMap;
use std::time::Duration;

use migrate_core::{Direction, Migration};
use migrate_runtime::{Error as EngineError, in_one_line, quote_literal};
use serde_json::{Value, json};

use super::finding;
use crate::inspection::{Check, Finding, Severity, Situation, Table, Touched};
use crate::rehearse;
use crate::render::json as structured;
use crate::render::words::{bytes, count, time};
use crate::risk::{Risk, RiskLevel};

pub(super) struct PendingMigrations;

/// Of more than these a person gets the number.
const SHOWN: usize = 20;

/// What an earlier run of a migration took.
struct Measured {
    took: Duration,
    /// The day.
    at: String,
    place: Place,
}

/// Where it ran.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// On this database, with the same text.
    Here,
    /// On this database, with another text.
    HereOtherwise,
    /// On a copy of this database, with the same text: `rehearse` was there.
    Copy,
}

impl Place {
    /// As JSON has it.
    fn name(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::HereOtherwise => "here_other_text",
            Self::Copy => "copy",
        }
    }
}

impl Check for PendingMigrations {
    fn name(&self) -> &'static str {
        "pending-migrations"
    }

    fn title(&self) -> &'static str {
        "pending migrations: risk, locks, time"
    }

    fn why(&self) -> &'static str {
        "a statement that rewrites or reads a large table under a strong lock keeps everybody waiting until it is done"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let pending = situation.pending.migrations();
        if let Err(error) = &situation.status {
            let why = "the history cannot be read, so what is pending is not known";
            return Ok(vec![finding(Severity::Warning, why, json!({ "unknown": in_one_line(error) }))]);
        }
        if pending.is_empty() {
            return Ok(vec![finding(Severity::Info, "nothing is pending", json!({ "migrations": [] }))]);
        }
        let touched = situation.touched()?;
        let mut measured = measured(situation)?;
        for migration in pending {
            let here = measured.get(migration.stem.as_ref()).map(|measured| measured.place);
            if here != Some(Place::Here)
                && let Some((took, at)) = rehearse::measured(
                    situation.settings,
                    &situation.identity,
                    &migration.stem,
                    &migration.up.checksum,
                )
            {
                let at = at.chars().take(10).collect();
                measured.insert(migration.stem.to_string(), Measured { took, at, place: Place::Copy });
            }
        }
        let (mut findings, mut lines, mut all) = (Vec::new(), Vec::new(), Vec::new());
        let mut known = Duration::ZERO;
        let mut unknown = 0;
        for migration in pending {
            let risk = touched.book.of_text(&migration.stem, Direction::Up);
            let took = measured.get(migration.stem.as_ref());
            match took {
                Some(measured) => known += measured.took,
                None => unknown += 1,
            }
            let data = data(migration, &risk, took, touched);
            lines.push(format!(
                "{}: {} risk, {}{}",
                migration.stem,
                risk.level.name(),
                estimate(took),
                locks(migration, touched)
            ));
            if risk.level >= RiskLevel::High {
                findings.push(risky(migration, &risk, took, data.clone()));
            }
            all.push(data);
        }
        let sum = match (unknown, known) {
            (0, known) => format!("about {}, as they took before", time(known)),
            (all, _) if all == pending.len() => {
                "how long they take is unknown: they never ran here, and `rehearse` measures it on a copy"
                    .to_owned()
            }
            (some, known) => {
                format!("about {} for those that ran before, unknown for {some}", time(known))
            }
        };
        let hidden = lines.len().saturating_sub(SHOWN);
        lines.truncate(SHOWN);
        if hidden > 0 {
            lines.push(format!("… and {hidden} more: --format json has all"));
        }
        if !touched.opaque.is_empty() {
            let places: Vec<_> =
                touched.opaque.iter().take(5).map(|one| format!("{}:{}", one.file, one.line)).collect();
            let more = if touched.opaque.len() > 5 { ", …" } else { "" };
            lines.push(format!(
                "what these lock cannot be known from their text: {}{more}",
                places.join(", ")
            ));
        }
        findings.push(Finding {
            details: lines,
            ..finding(
                Severity::Info,
                format!("{}; {sum}", count(pending.len(), "pending migration")),
                json!({
                    "migrations": all,
                    "opaque": touched.opaque.iter().map(|one| json!({ "file": one.file, "line": one.line }))
                        .collect::<Value>(),
                }),
            )
        });
        Ok(findings)
    }
}

fn risky(migration: &Migration, risk: &Risk, took: Option<&Measured>, data: Value) -> Finding {
    let reasons = risk.reasons.iter().filter(|reason| reason.level >= RiskLevel::High);
    let safer = risk.reasons.iter().find_map(|reason| reason.safer.as_deref());
    Finding {
        severity: Severity::Warning,
        what: format!("{}: {} risk, {}", migration.stem, risk.level.name(), estimate(took)),
        details: reasons
            .map(|reason| format!("{}:{}: {}", migration.up.file, reason.line, reason.why))
            .collect(),
        remedy: Some(match safer {
            Some(safer) => format!("write instead\n{}", safer.trim_end()),
            None => "run it when few people work, and `rehearse` it on a copy before".to_owned(),
        }),
        data,
    }
}

fn estimate(measured: Option<&Measured>) -> String {
    match measured {
        Some(Measured { took, at, place }) => {
            let took = time(*took);
            match place {
                Place::Here => format!("took {took} here on {at}"),
                Place::HereOtherwise => format!("took {took} here on {at}, with another text"),
                Place::Copy => format!("took {took} on a copy on {at}"),
            }
        }
        None => "time unknown".to_owned(),
    }
}

/// The tables that a migration locks, each with its strongest lock.
fn tables<'t>(
    migration: &'t Migration,
    touched: &'t Touched,
) -> impl Iterator<Item = (&'t Table, &'static str)> {
    touched.tables.iter().filter_map(|table| {
        let of_this = table.by.iter().filter(|by| by.stem == migration.stem);
        let mode = of_this.map(|by| by.touch.mode).max()?;
        Some((table, mode.name()))
    })
}

fn locks(migration: &Migration, touched: &Touched) -> String {
    let locks: Vec<_> = tables(migration, touched)
        .map(|(table, mode)| format!("{mode} on {} ({})", table.name, bytes(table.total)))
        .collect();
    if locks.is_empty() { String::new() } else { format!(", {}", locks.join(", ")) }
}

fn data(migration: &Migration, risk: &Risk, took: Option<&Measured>, touched: &Touched) -> Value {
    let locks = tables(migration, touched).map(|(table, mode)| {
        json!({
            "table": table.name, "mode": mode, "bytes": table.total, "heap_bytes": table.heap,
            "estimated": table.estimated,
        })
    });
    json!({
        "migration": migration.stem,
        "risk": structured::risk(risk),
        "locks": locks.collect::<Value>(),
        "estimate_ms": took.map(|measured| measured.took.as_millis() as u64),
        "measured_at": took.map(|measured| measured.at.clone()),
        "measured_on": took.map(|measured| measured.place.name()),
    })
}

/// What the last finished run of each took here, from the audit log.
fn measured(situation: &Situation<'_>) -> Result<HashMap<String, Measured>, EngineError> {
    let history = &situation.settings.history_table.value;
    // `to_regclass` is an error where the schema may not be used.
    let readable = situation.ask(
        "asking for the audit log",
        &format!(
            "SELECT has_schema_privilege(s.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') FROM pg_class c \
             JOIN pg_namespace s ON s.oid = c.relnamespace WHERE s.nspname = {} AND c.relname = {}",
            quote_literal(&history.schema),
            quote_literal(&history.log_name())
        ),
    )?;
    if !readable.first().is_some_and(|row| row.flag(0)) {
        return Ok(HashMap::new());
    }
    let pending = situation.pending.migrations();
    let stems: Vec<_> = pending.iter().map(|migration| quote_literal(&migration.stem)).collect();
    let rows = situation.ask(
        "reading the audit log",
        &format!(
            "SELECT DISTINCT ON (version) version, duration_ms, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), checksum \
             FROM {} WHERE action = 'up' AND outcome = 'ok' AND duration_ms IS NOT NULL AND version IN ({}) \
             ORDER BY version, id DESC",
            history.log_quoted(),
            stems.join(", ")
        ),
    )?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            let migration = pending.iter().find(|migration| migration.stem == row.text(0))?;
            let milliseconds = row.number::<f64>(1)?.max(0.0);
            let measured = Measured {
                took: Duration::try_from_secs_f64(milliseconds / 1000.0).ok()?,
                at: row.text(2),
                place: match row.text(3) == migration.up.checksum.to_string() {
                    true => Place::Here,
                    false => Place::HereOtherwise,
                },
            };
            Some((row.text(0), measured))
        })
        .collect())
}
