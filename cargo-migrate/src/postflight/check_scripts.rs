//! The checks that the project itself wrote down, as queries that must find nothing.

use std::collections::HashSet;
use std::time::Duration;

use migrate_core::sql::{mask_secrets, mask_text};
use migrate_core::{CheckScript, Moment, State, folder};
use migrate_runtime::checks::{self, Found, Outcome, Verdict};
use serde_json::{Value, json};

use super::LastRun;
use crate::inspection::{Check, Finding, Severity, Situation};
use crate::render::words::{count, one_line, time};

/// `NNNN_name.check.sql` of what was applied, and `checks/*.sql`.
pub(crate) struct CheckScripts {
    /// Those of the last run's migrations; of all that are applied where there is none.
    pub(crate) of: Option<LastRun>,
}

/// So many of the rows that a check found are shown; a program gets all that were kept.
const ROWS_SHOWN: usize = 5;

impl Check for CheckScripts {
    fn name(&self) -> &'static str {
        "check-scripts"
    }

    fn title(&self) -> &'static str {
        "the checks of the migrations, and the standing ones"
    }

    fn why(&self) -> &'static str {
        "they say in SQL what must hold after the migration"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        let mut scripts: Vec<CheckScript> = self.of_migrations(situation).cloned().collect();
        let options = folder::Options::new(&situation.settings.root);
        match folder::standing_checks(&situation.settings.dir.value, &options) {
            Ok(standing) => scripts.extend(standing),
            Err(problems) => findings.extend(problems.problems.iter().map(|problem| Finding {
                severity: Severity::Failure,
                what: format!("a standing check cannot be read: {problem}"),
                details: Vec::new(),
                remedy: Some(problem.hint()),
                data: json!({ "file": problem.path().display().to_string(), "unreadable": problem.to_string() }),
            })),
        }
        let mut held = Vec::new();
        for script in &scripts {
            for outcome in checks::run(situation.connection, script)? {
                match outcome.passed() {
                    true => held.push(outcome),
                    false => findings.push(of_outcome(&outcome)),
                }
            }
        }
        if !held.is_empty() {
            let elapsed: Duration = held.iter().map(|outcome| outcome.elapsed).sum();
            let word = if held.len() == 1 { "holds" } else { "hold" };
            findings.push(Finding {
                severity: Severity::Info,
                what: format!("{} {word}, looked at in {}", count(held.len(), "check"), time(elapsed)),
                details: Vec::new(),
                remedy: None,
                data: json!({ "held": held.iter().map(data).collect::<Value>() }),
            });
        }
        Ok(findings)
    }
}

impl CheckScripts {
    fn of_migrations<'a>(&self, situation: &'a Situation<'_>) -> impl Iterator<Item = &'a CheckScript> {
        let wanted: HashSet<&str> = match (&self.of, &situation.status) {
            (Some(last_run), _) => {
                let versions = last_run.migrations.iter().map(|one| one.version.as_str());
                versions
                    .filter_map(|version| situation.set.find_recorded(version))
                    .map(|migration| &*migration.stem)
                    .collect()
            }
            (None, Ok(status)) => {
                let applied = status.entries.iter().filter(|entry| entry.state == State::Applied);
                applied.map(|entry| entry.stem.as_str()).collect()
            }
            (None, Err(_)) => HashSet::new(),
        };
        let checks = situation.set.migrations.iter().filter(|migration| wanted.contains(&*migration.stem));
        let checks: Vec<_> = checks.filter_map(|migration| migration.check.as_ref()).collect();
        checks.into_iter().filter(|script| script.of(Moment::After).next().is_some())
    }
}

fn of_outcome(outcome: &Outcome) -> Finding {
    let mut details = vec![format!(
        "{}, line {}: {}",
        outcome.file,
        outcome.line,
        one_line(&mask_secrets(query(outcome)), 300)
    )];
    if let Verdict::Found(found) = &outcome.verdict {
        details.extend(rows(found));
    }
    Finding {
        severity: Severity::Failure,
        what: format!("{}: {} ({})", outcome.title(), outcome.verdict, time(outcome.elapsed)),
        details,
        remedy: match &outcome.verdict {
            Verdict::Refused { server, .. } if server.code == "42501" => {
                Some("let the role read it (GRANT SELECT …), or look as a role that may".to_owned())
            }
            Verdict::Refused { .. } => {
                Some(format!("mend the query in {}, line {}", outcome.file, outcome.line))
            }
            _ => Some("mend the rows that it finds, in a migration where all databases have them".to_owned()),
        },
        data: data(outcome),
    }
}

fn query(outcome: &Outcome) -> &str {
    let (start, end) = outcome.statement;
    outcome.text.get(start..end).unwrap_or_default()
}

fn rows(found: &Found) -> impl Iterator<Item = String> {
    let shown = found.rows.iter().take(ROWS_SHOWN).map(|row| {
        let values = found.columns.iter().zip(row).map(|(column, value)| {
            let value = value.as_deref().map_or("NULL".to_owned(), |value| one_line(&mask_text(value), 60));
            format!("{column} = {value}")
        });
        values.collect::<Vec<_>>().join(", ")
    });
    let more = found.more || found.rows.len() > ROWS_SHOWN;
    shown.chain(more.then(|| "…".to_owned()))
}

fn data(outcome: &Outcome) -> Value {
    let found = match &outcome.verdict {
        Verdict::Found(found) => {
            let row = |row: &Vec<Option<String>>| -> Value {
                let pairs = found.columns.iter().cloned().zip(row.iter().map(|value| value.clone().into()));
                Value::Object(pairs.collect())
            };
            json!({ "rows": found.rows.iter().map(row).collect::<Value>(), "more": found.more })
        }
        _ => Value::Null,
    };
    json!({
        "file": outcome.file, "line": outcome.line, "description": outcome.description,
        "verdict": outcome.verdict.to_string(), "found": found,
        "elapsed_ms": (outcome.elapsed.as_secs_f64() * 1e6).round() / 1e3,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postflight::last_run;
    use crate::postflight::testing::Bench;

    fn look(bench: &Bench, all: bool) -> Vec<String> {
        let last = last_run::read(&bench.connection, &migrate_runtime::HistoryTable::default()).unwrap();
        let found = bench.look(&CheckScripts { of: last.filter(|_| !all) });
        let what = |finding: &Finding| {
            finding.what.split(" (").next().unwrap().split(", looked").next().unwrap().to_owned()
        };
        found.iter().map(|finding| format!("{}: {}", finding.severity.name(), what(finding))).collect()
    }

    #[test]
    fn checks_of_the_last_run_and_standing_ones_are_asked_and_all_where_that_is_wanted() {
        let mut bench = Bench::new();
        bench.migration("0001_t", "CREATE TABLE t (a int)", "DROP TABLE t");
        bench.check("0001_t", "-- no negative numbers\nSELECT a FROM t WHERE a < 0;");
        bench.up();
        assert_eq!(look(&bench, false), ["info: 1 check holds"]);
        bench.migration("0002_u", "CREATE TABLE u ()", "DROP TABLE u");
        bench.check(
            "0002_u",
            "-- migrate: before\nSELECT to_regclass('public.u') IS NULL;\n-- migrate: after\nSELECT count(*) = 0 FROM u;",
        );
        bench.up();
        bench.sql("INSERT INTO t SELECT -generate_series(1, 20)");
        assert_eq!(look(&bench, false), ["info: 1 check holds"]);
        assert_eq!(
            look(&bench, true),
            ["failure: no negative numbers: found more than 10 rows", "info: 1 check holds"]
        );
        bench.standing("sum.sql", "-- the sum is small\nSELECT sum(a) > 0 FROM t;\nSELECT nothing FROM t;\n");
        assert_eq!(
            look(&bench, false),
            [
                "failure: the sum is small: is false",
                "failure: checks/sum.sql, line 3: could not be run: column \"nothing\" does not exist",
                "info: 1 check holds",
            ]
        );
        bench.standing("sum.sql", "DELETE FROM t");
        assert!(look(&bench, false)[0].starts_with("failure: a standing check cannot be read: "));
    }

    #[test]
    fn rows_are_shown_a_few_and_kept() {
        let mut bench = Bench::new();
        bench.migration("0001_t", "CREATE TABLE t (a int, b text)", "DROP TABLE t");
        bench.check("0001_t", "SELECT a, b FROM t");
        bench.up();
        bench.sql("INSERT INTO t SELECT g, NULL FROM generate_series(1, 6) g");
        let found = bench.look(&CheckScripts { of: None });
        assert_eq!(
            found[0].details[1..],
            [
                "a = 1, b = NULL",
                "a = 2, b = NULL",
                "a = 3, b = NULL",
                "a = 4, b = NULL",
                "a = 5, b = NULL",
                "…"
            ]
        );
        assert_eq!(found[0].data["found"]["rows"].as_array().unwrap().len(), 6);
    }
}
