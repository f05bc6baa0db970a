//! `lint`: what the text of migrations says about locks, rewrites and lost data.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use migrate_core::{Direction, Set, Version};
use migrate_runtime::{Event, StatusState};

use super::call::{Answer, Call, Outcome};
use crate::args::Reports;
use crate::checked::Risks;
use crate::config::Settings;
use crate::config::lint::server_version;
use crate::lint::{self, Level, OLDEST_SERVER, Options, Scope};
use crate::render::review::folder_in_repository;
use crate::render::view::{ExplainView, LintView, RulesView};
use crate::risk::Book;
use crate::{Problem, base, files};

/// Check the text of migrations against rules about locks, rewrites and lost data
///
/// Each finding has its place and, where there is one, a script that does the same more safely. Exits with 8 where a
/// rule that is denied finds something. Needs no database.
///
/// The rules are those of squawk and our own: --rules lists them, --explain RULE says why and what to write instead. A
/// level is set in Cargo.toml (`[package.metadata.migrate.lint]`), and one thing is allowed in one file with
/// `-- migrate: allow RULE REASON`.
///
/// A table that an earlier migration created counts as in use. With --base or --pending one that is new with the
/// migrations looked at does not, for they are applied together: in CI take --base.
#[derive(Debug, Args)]
pub struct Lint {
    /// Look only at what is new since this branch parted from a git revision: --base origin/main
    #[arg(long, value_name = "REV", conflicts_with = "pending")]
    base: Option<String>,
    /// Look only at what the database has not applied; the one option that needs a database
    #[arg(long)]
    pending: bool,
    /// Exit with 8 for warnings too
    #[arg(long)]
    deny_warnings: bool,
    /// The major version of the server that the migrations are for; what is safe depends on it
    #[arg(long, value_name = "MAJOR", value_parser = server_version)]
    server_version: Option<u16>,
    #[command(flatten)]
    reports: Reports,
    /// Explain a rule: what it finds, what that does to whom, what to write instead
    #[arg(long, value_name = "RULE", conflicts_with_all = ["base", "pending", "rules"])]
    explain: Option<String>,
    /// List all rules with the level that holds
    #[arg(long, conflicts_with_all = ["base", "pending"])]
    rules: bool,
}

impl Lint {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        if let Some(name) = &self.explain {
            let Some(rule) = lint::find(name) else {
                return Err(Problem::NoSuchRule { name: name.clone(), near: lint::nearest(name) }.into());
            };
            let level = settings.lint.levels.get(rule.name).copied().unwrap_or(rule.level);
            return Answer::ok(ExplainView { rule, level });
        }
        if self.rules {
            return Answer::ok(RulesView { levels: settings.lint.levels.clone() });
        }
        let set = files::read(&settings)?;
        let mut options = options(&settings);
        let mut seen = None;
        if let Some(rev) = &self.base {
            let dir = call.context.cwd.join(&settings.dir.value);
            options.scope = Scope::Pending(base::changed_since(&settings.root, &dir, rev, &set)?);
        } else if self.pending {
            let (scope, server) = pending(call, &settings, set.clone())?;
            options.scope = scope;
            seen = server;
        }
        options.server_version =
            self.server_version.or(settings.lint.server_version).or(seen).unwrap_or(OLDEST_SERVER);
        let findings = lint::check(&set, &options);
        let worst = findings.iter().map(|finding| finding.level).max();
        let book = Book::read(&set, |migration| options.scope.is_new(migration.version));
        let in_scope = set.migrations.iter().filter(|migration| options.scope.has(migration.version));
        let risks: BTreeMap<_, _> = in_scope
            .map(|migration| {
                let of = |direction| book.of_text(&migration.stem, direction);
                (migration.stem.to_string(), Risks { up: of(Direction::Up), down: of(Direction::Down) })
            })
            .collect();
        let limit = if self.deny_warnings { Level::Warn } else { Level::Deny };
        let folder_in_repository = folder_in_repository(&settings.dir.value, &call.context.cwd);
        let looked_at = risks.len();
        let answer = Answer::check(
            worst.is_some_and(|worst| worst >= limit),
            LintView {
                dir: settings.dir.value,
                set,
                findings,
                looked_at,
                risks,
                folder_in_repository,
                verbose: call.ui.is_verbose(),
            },
        )?;
        call.write_reports(&self.reports, "lint", &answer)?;
        Ok(answer)
    }
}

/// What the settings say: for every verb that lints.
pub(crate) fn options(settings: &Settings) -> Options {
    Options {
        scope: settings.lint.start_after.map_or(Scope::All, Scope::After),
        levels: settings.lint.levels.clone(),
        server_version: settings.lint.server_version.unwrap_or(OLDEST_SERVER),
        history_table: settings.history_table.value.clone(),
    }
}

/// The migrations that the database has not applied, and its major version.
fn pending(call: &Call, settings: &Settings, set: Set) -> anyhow::Result<(Scope, Option<u16>)> {
    let version: Arc<Mutex<Option<u16>>> = Arc::default();
    let heard = Arc::clone(&version);
    let (migrator, _) = call.migrator(settings, set.clone(), None)?;
    let mut tell = call.ui.listener();
    let migrator = migrator.on_event(move |event: &Event| {
        if let Event::Connected { server_version, .. } = event {
            *heard.lock().unwrap_or_else(PoisonError::into_inner) =
                u16::try_from(server_version / 10_000).ok();
        }
        tell(event);
    });
    let status = migrator.status()?;
    let waiting: BTreeSet<Version> = status
        .entries
        .iter()
        .filter(|entry| {
            matches!(entry.state, StatusState::Pending | StatusState::OutOfOrder | StatusState::Dirty)
        })
        .filter_map(|entry| Some(set.find_recorded(&entry.stem)?.version))
        .collect();
    let version = *version.lock().unwrap_or_else(PoisonError::into_inner);
    Ok((Scope::Pending(waiting), version))
}
