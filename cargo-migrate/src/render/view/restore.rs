//! A restore, a swap, and the way back: what was made, how it was verified, and the next command.

use std::time::Duration;

use migrate_runtime::event::Session;
use migrate_runtime::{Database, quote_identifier};
use serde_json::{Value, json};

use crate::backup::restore::{Progress, Restored, Swapped, shell};
use crate::render::json::milliseconds;
use crate::render::meter::bar;
use crate::render::words::{self, count, session, time};
use crate::render::{Page, View, escape_line};

/// How far the loading is.
pub(crate) struct RestoreProgress<'a>(pub(crate) &'a Progress);

impl View for RestoreProgress<'_> {
    fn human(&self, _: Page) -> String {
        let Progress { done, total, what } = self.0;
        let what = escape_line(what.as_deref().unwrap_or_default()).into_owned();
        match total {
            // The old one may have had room to spare, which is not copied: it can be done before the bar is.
            Some(total) => format!(
                "restore {} {} of at most {} {what}\n",
                bar((*done).min(*total), *total),
                words::bytes(*done),
                words::bytes(*total)
            ),
            None => format!("restore {} {what}\n", words::bytes(*done)),
        }
    }

    fn json(&self) -> Value {
        json!({ "done_bytes": self.0.done, "total_bytes": self.0.total, "what": self.0.what })
    }
}

/// How far a restore is.
pub(crate) enum RestoreStep {
    /// Every byte of the backup is read.
    Examining { backup: String, bytes: u64 },
    /// The archive is read through, to count the rows.
    Counting { backup: String },
    /// The new database is made, like the old one where there is one.
    Creating { database: String, like: Option<String> },
    /// The archive is loaded.
    Loading { backup: String, database: String },
    /// Statistics are gathered, and it is compared with the manifest.
    Verifying { database: String },
    /// The restore ended early.
    GivenUp { database: String, gone: bool },
    /// Another restore left this.
    Leftover { database: String, of: Option<String>, at_work: bool },
    /// It was restored, and is not where it was to go.
    NotSwapped { database: String },
    /// Somebody migrates the old one, and is waited for.
    Waiting { holder: Option<Session>, wait: Duration },
    /// Who is about to be thrown out.
    Sessions { database: String, sessions: Vec<Session> },
}

impl View for RestoreStep {
    fn human(&self, page: Page) -> String {
        let note = page.paint.note("note");
        match self {
            Self::Examining { backup, bytes } => {
                format!("examining {} ({})\n", escape_line(backup), words::bytes(*bytes))
            }
            Self::Counting { backup } => {
                format!("counting the rows in {}: it was never verified\n", escape_line(backup))
            }
            Self::Creating { database, like } => match like {
                Some(like) => format!("creating {} like {}\n", escape_line(database), escape_line(like)),
                None => format!(
                    "creating {} as the server makes databases: there is no old one to be like\n",
                    escape_line(database)
                ),
            },
            Self::Loading { backup, database } => {
                format!("loading {} into {}\n", escape_line(backup), escape_line(database))
            }
            Self::Verifying { database } => format!("analyzing and verifying {}\n", escape_line(database)),
            Self::GivenUp { database, gone: true } => {
                format!(
                    "{note}: the unfinished {} was dropped; the database in use is as it was\n",
                    escape_line(database)
                )
            }
            Self::GivenUp { database, gone: false } => format!(
                "{note}: the unfinished {} could not be dropped: `cargo migrate backup restore --discard {}`\n",
                escape_line(database),
                escape_line(&shell(database))
            ),
            Self::Leftover { database, at_work: true, .. } => {
                format!("{note}: another restore is at work in {}\n", escape_line(database))
            }
            Self::Leftover { database, of, at_work: false } => {
                let of = of.as_ref().map(|of| format!(" of {}", escape_line(of))).unwrap_or_default();
                format!(
                    "{note}: {} was left by a restore{of} that did not finish: `cargo migrate backup restore --discard {}` \
                     drops it\n",
                    escape_line(database),
                    escape_line(&shell(database))
                )
            }
            Self::NotSwapped { database } => format!(
                "{note}: {0} is restored and verified, and beside the old one: `cargo migrate backup restore --swap --into {1}`\n",
                escape_line(database),
                escape_line(&shell(database))
            ),
            Self::Waiting { holder, wait } => {
                let who = holder.as_ref().map(|holder| format!(" ({})", session(holder))).unwrap_or_default();
                let wait = words::time(*wait);
                format!("another runner is at work{who}: waiting up to {wait} for it before the swap\n")
            }
            Self::Sessions { database, sessions } => {
                const MOST: usize = 10;
                let mut text = format!(
                    "{} in {} will be ended:\n",
                    count(sessions.len(), "session"),
                    escape_line(database)
                );
                for one in sessions.iter().take(MOST) {
                    text += &format!("  {}\n", session(one));
                }
                if sessions.len() > MOST {
                    text += &format!("  and {} more\n", sessions.len() - MOST);
                }
                text
            }
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Examining { backup, bytes } => {
                json!({ "step": "examining", "backup": backup, "bytes": bytes })
            }
            Self::Counting { backup } => json!({ "step": "counting", "backup": backup }),
            Self::Creating { database, like } => {
                json!({ "step": "creating", "database": database, "like": like })
            }
            Self::Loading { backup, database } => {
                json!({ "step": "loading", "backup": backup, "database": database })
            }
            Self::Verifying { database } => json!({ "step": "verifying", "database": database }),
            Self::GivenUp { database, gone } => {
                json!({ "step": "given_up", "database": database, "dropped": gone })
            }
            Self::Leftover { database, of, at_work } => {
                json!({ "step": "leftover", "database": database, "backup": of, "at_work": at_work })
            }
            Self::NotSwapped { database } => json!({ "step": "not_swapped", "database": database }),
            Self::Waiting { holder, wait } => json!({
                "step": "waiting", "holder": holder.as_ref().map(crate::render::json::session),
                "wait_ms": milliseconds(*wait),
            }),
            Self::Sessions { database, sessions } => json!({
                "step": "sessions", "database": database,
                "sessions": sessions.iter().map(|one| json!({
                    "pid": one.pid, "application": one.application, "user": one.user, "client": one.client,
                })).collect::<Value>(),
            }),
        }
    }
}

/// What a restore made, and what was put in whose place.
pub(crate) struct RestoreView {
    /// `None` for the way back.
    pub(crate) restored: Option<Restored>,
    pub(crate) swapped: Option<Swapped>,
}

impl View for RestoreView {
    fn human(&self, page: Page) -> String {
        let mut text = self.restored.as_ref().map(|restored| made(restored, page)).unwrap_or_default();
        match (&self.swapped, &self.restored) {
            (Some(swapped), _) => text += &in_place(swapped, page),
            (None, Some(restored)) => text += &next(restored),
            (None, None) => {}
        }
        text
    }

    fn json(&self) -> Value {
        let restored = self.restored.as_ref().map(|restored| {
            json!({
                "database": restored.database, "of": restored.of, "backup": restored.backup,
                "whole": restored.whole, "tables": restored.tables, "left_out": restored.left_out,
                "pending": restored.pending,
                "verified": restored.compared.as_ref().map(|compared| json!({
                    "schema_digest": compared.digest, "tables": compared.tables, "rows": compared.rows,
                })),
                "elapsed_ms": millis(restored.elapsed),
            })
        });
        let swapped = self.swapped.as_ref().map(|swapped| {
            json!({
                "database": swapped.database, "was": swapped.was, "backup": swapped.backup, "kept": swapped.kept,
                "sessions_ended": swapped.ended, "left_out": swapped.left_out, "back": swapped.back, "elapsed_ms": millis(swapped.elapsed),
            })
        });
        json!({ "restored": restored, "swapped": swapped })
    }
}

fn millis(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

fn made(restored: &Restored, page: Page) -> String {
    let Restored { database, backup, .. } = restored;
    let good = page.paint.good("restored");
    let Some(compared) = &restored.compared else {
        return format!(
            "{} was restored from {} and verified before\n",
            escape_line(database),
            escape_line(backup)
        );
    };
    let mut text = format!(
        "{good} {} into {} in {}\n",
        escape_line(backup),
        escape_line(database),
        time(restored.elapsed)
    );
    let rows = format!("{} with {} rows", count(compared.tables, "table"), compared.rows);
    let schema = match (&compared.digest, restored.whole) {
        (Some(digest), _) => format!("schema digest {}…, ", digest.chars().take(12).collect::<String>()),
        (None, true) => "schema not compared (another version of PostgreSQL prints it), ".to_owned(),
        (None, false) => String::new(),
    };
    text += &format!("  verified: {schema}{rows}, as in the manifest\n");
    for one in &restored.left_out {
        text += &format!(
            "  {}: not copied from {}: {}\n",
            page.paint.note("note"),
            escape_line(&restored.of),
            escape_line(one)
        );
    }
    if let Some(pending) = restored.pending.as_ref().filter(|pending| restored.whole && !pending.is_empty()) {
        let few = pending.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if pending.len() > 5 { ", …" } else { "" };
        text += &format!(
            "  {} of the folder {} not in it, and will be pending: {}{more}\n",
            count(pending.len(), "migration"),
            if pending.len() == 1 { "is" } else { "are" },
            escape_line(&few)
        );
    }
    text
}

/// The exact next command.
fn next(restored: &Restored) -> String {
    let Restored { database, of, at, .. } = restored;
    let word = shell(database);
    // The server too: whoever types it sits elsewhere.
    let place = |name: &str| place(at, name);
    let discard = format!("cargo migrate backup restore --discard {word}");
    let mut text = format!("{} is as it was. Next:\n", escape_line(of));
    if restored.whole {
        text += &format!(
            "  put it in the place of {}:  cargo migrate backup restore --swap --into {}\n",
            escape_line(of),
            escape_line(&word)
        );
    } else {
        text += "  bring rows over, where the table is still there:\n";
        for table in restored.tables.iter().take(10) {
            text += &format!(
                "    pg_dump --data-only --table={} {} | psql --single-transaction {}\n",
                escape_line(&shell(table)),
                place(database),
                place(of)
            );
        }
        text += "  and where it is not, the same without --data-only (its foreign keys are yours to add)\n";
    }
    text += &format!("  look at it:  psql {}\n  drop it:  {}\n", place(database), escape_line(&discard));
    text + without_password(at)
}

/// A database as the argument of psql, with what TLS takes and without the password.
fn place(at: &Database, name: &str) -> String {
    let mut url = at.with_dbname(name).display();
    for (variable, value) in at.variables() {
        let parameter = match variable {
            "PGSSLMODE" if value != "prefer" => "sslmode",
            "PGSSLROOTCERT" => "sslrootcert",
            "PGSSLCERT" => "sslcert",
            "PGSSLKEY" => "sslkey",
            _ => continue,
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
        let letters = value.chars().map(|c| match plain(c) {
            true => c.to_string(),
            false => c.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect(),
        });
        url.push(if url.contains('?') { '&' } else { '?' });
        url += &format!("{parameter}={}", letters.collect::<String>());
    }
    escape_line(&shell(&url)).into_owned()
}

/// Where whoever types the lines has to have the password.
fn without_password(at: &Database) -> &'static str {
    match at.variables().iter().any(|(variable, _)| matches!(*variable, "PGPASSWORD" | "PGPASSFILE")) {
        true => "  these lines have no password: psql and pg_dump take it from PGPASSWORD or ~/.pgpass\n",
        false => "",
    }
}

fn in_place(swapped: &Swapped, page: Page) -> String {
    let Swapped { database, at, was, backup, kept, ended, back, elapsed, left_out } = swapped;
    let good = page.paint.good(if *back { "put back" } else { "swapped" });
    let ended = match ended {
        0 => String::new(),
        ended => format!(", {} ended", count(*ended, "session")),
    };
    let from = if *back { String::new() } else { format!(", restored from {}", escape_line(backup)) };
    let mut text = format!(
        "{good}: {} is now what was {}{from} ({}{ended})\n",
        escape_line(database),
        escape_line(was),
        time(*elapsed)
    );
    for one in left_out {
        text +=
            &format!("  {}: not copied from the old one: {}\n", page.paint.note("note"), escape_line(one));
    }
    let Some(kept) = kept else { return text };
    text += &format!("  what it was before is kept as {}\n", escape_line(kept));
    text += "  a preflight of before does not count any more: it was one of the other database\n";
    text += &match back {
        false => format!(
            "  the way back:  cargo migrate backup restore --swap-back --into {}\n  \
             once nobody needs it:  psql --command={} {}\n",
            escape_line(&shell(kept)),
            escape_line(&shell(&format!("DROP DATABASE {}", quote_identifier(kept)))),
            place(at, "postgres")
        ),
        true => format!(
            "  it can be swapped in again:  cargo migrate backup restore --swap --into {0}\n  \
             or dropped:  cargo migrate backup restore --discard {0}\n",
            escape_line(&shell(kept))
        ),
    };
    text
}

/// A database that was dropped.
pub(crate) struct DiscardView {
    pub(crate) database: String,
    pub(crate) backup: Option<String>,
}

impl View for DiscardView {
    fn human(&self, page: Page) -> String {
        format!("{} {}\n", page.paint.good("dropped"), escape_line(&self.database))
    }

    fn json(&self) -> Value {
        json!({ "dropped": self.database, "backup": self.backup })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::backup::restore::Compared;
    use crate::render::Paint;

    #[test]
    fn an_address_has_what_tls_takes_and_no_password() {
        let url = "postgres://app:canary@db.example/shop?sslmode=verify-full&sslrootcert=system";
        let at = Database::resolve(Some(url), &|_| None).unwrap();
        let shown = place(&at, "it's");
        assert_eq!(shown, "'postgres://app@db.example:5432/it%27s?sslmode=verify-full&sslrootcert=system'");
        assert!(without_password(&at).contains("PGPASSWORD"));
        let open = Database::resolve(Some("postgres://app@/shop?host=/tmp"), &|_| None).unwrap();
        assert_eq!(
            (place(&open, "shop").as_str(), without_password(&open)),
            ("'postgres://app@/shop?host=/tmp'", "")
        );
    }

    #[test]
    fn progress_is_one_line() {
        let mut progress =
            Progress { done: 42 << 20, total: Some(84 << 20), what: Some("INDEX a\nb".into()) };
        let line = |progress: &Progress| {
            RestoreProgress(progress).human(Page { width: None, paint: Paint::default() })
        };
        assert_eq!(
            line(&progress),
            "restore [##########----------] 50 % 42 MB of at most 84 MB INDEX a\\nb\n"
        );
        progress.total = None;
        assert_eq!(line(&progress), "restore 42 MB INDEX a\\nb\n");
    }

    fn server() -> Database {
        Database::resolve(Some("postgres://app:canary@db.example/shop"), &|_| None).unwrap()
    }

    fn restored() -> Restored {
        Restored {
            database: "shop_restored_20261121t193059z".into(),
            oid: 1,
            at: server(),
            of: "shop".into(),
            backup: "backup-20261121T180000Z".into(),
            whole: true,
            tables: vec![],
            compared: Some(Compared { digest: Some("a".repeat(64)), tables: 2, rows: 1500 }),
            left_out: vec!["the setting app.key of role app\u{1b}: permission denied".into()],
            pending: Some(vec!["0010_add".into()]),
            elapsed: Duration::from_millis(4200),
        }
    }

    fn swapped(back: bool) -> Swapped {
        Swapped {
            database: "shop".into(),
            at: server(),
            was: "shop_restored_20261121t193059z".into(),
            backup: "backup-20261121T180000Z".into(),
            kept: Some("shop_before_20261121t200000z".into()),
            ended: 3,
            left_out: Vec::new(),
            back,
            elapsed: Duration::from_millis(150),
        }
    }

    fn shown(view: &dyn View) -> String {
        view.human(Page { width: None, paint: Paint::default() })
    }

    #[test]
    fn what_was_made_and_the_next_command() {
        let beside = RestoreView { restored: Some(restored()), swapped: None };
        let part = Restored {
            whole: false,
            tables: vec!["public.orders".into(), "\"we ird\".t".into()],
            left_out: vec![],
            ..restored()
        };
        let part = RestoreView { restored: Some(part), swapped: None };
        let in_place = RestoreView { restored: Some(restored()), swapped: Some(swapped(false)) };
        let back = RestoreView { restored: None, swapped: Some(swapped(true)) };
        let views = [&beside, &part, &in_place, &back].map(|view| shown(view));
        insta::assert_snapshot!(views.join("---\n"));
        assert_eq!(in_place.json()["swapped"]["sessions_ended"], 3);
        assert_eq!(back.json()["restored"], Value::Null);
    }

    #[test]
    fn how_far_it_is_and_what_was_left() {
        let name = || "shop_restored_20261121t193059z_unfinished".to_owned();
        let session = Session { pid: 7, application: Some("checkout".into()), ..Session::default() };
        let steps = [
            RestoreStep::Examining { backup: "backup-1".into(), bytes: 3 << 20 },
            RestoreStep::Counting { backup: "backup-1".into() },
            RestoreStep::Creating { database: "new".into(), like: Some("shop".into()) },
            RestoreStep::Creating { database: "new".into(), like: None },
            RestoreStep::Loading { backup: "backup-1".into(), database: "new".into() },
            RestoreStep::Verifying { database: "new".into() },
            RestoreStep::GivenUp { database: name(), gone: true },
            RestoreStep::GivenUp { database: name(), gone: false },
            RestoreStep::Leftover { database: name(), of: Some("backup-1".into()), at_work: false },
            RestoreStep::Leftover { database: name(), of: None, at_work: true },
            RestoreStep::NotSwapped { database: "it's".into() },
            RestoreStep::Sessions { database: "shop".into(), sessions: vec![session; 12] },
        ];
        insta::assert_snapshot!(steps.iter().map(|step| shown(step)).collect::<String>());
        assert!(steps.iter().all(|step| step.json()["step"].is_string()));
    }
}
