//! `verify`: prove the migrations on scratch databases.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use clap::Args;
use migrate_core::{Direction, Set, folder, lock};
use migrate_testing::Binaries;
use migrate_testing::verify::{Error, Place, Report, Verify as Verification};

use super::call::{Answer, Call, Outcome, check_target};
use crate::Problem;
use crate::args::{Reports, Target};
use crate::base;
use crate::checked::{Checked, Risks};
use crate::config::{Settings, Where};
use crate::lint;
use crate::record::{self, Record};
use crate::render::review::folder_in_repository;
use crate::render::view::{VerifyView, progress};
use crate::risk::Book;

/// Prove on scratch databases that every down undoes exactly its up
///
/// Each migration is applied, rolled back and applied again, and the schema is compared each time; then all are rolled
/// back and applied again by the runner that production uses. What each statement locks, rewrites and reads is measured.
/// One run finds everything: a broken down does not end it. Exits with 8 where something is found.
///
/// A pull request takes --base origin/main: only what is new is looked at, and the rules of `lint` are asked about it.
///
/// The databases are made on the server of the configured database, beside it, and dropped at the end; what is in the
/// database itself is neither read nor changed. Where no database is configured, where it is the local one, and where the
/// environment is protected, a server of our own in memory is used.
#[derive(Debug, Args)]
pub struct Verify {
    /// Look only at what is new since this git revision, and refuse changes of files that it has
    ///
    /// Compared is with the commit where this checkout and the revision parted (`git merge-base`), as a pull request is.
    #[arg(long, value_name = "REV")]
    base: Option<String>,

    /// Look only at this migration and those after it: 10, 0010 or 0010_add_products
    #[arg(long, value_name = "VERSION", conflicts_with = "base")]
    from: Option<Target>,

    /// Leave out the migrations after this one
    #[arg(long, value_name = "VERSION")]
    to: Option<Target>,

    /// Run it on servers of these major versions, in memory; installed into the user's cache where they are missing
    #[arg(long, value_name = "VERSIONS", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(14..))]
    postgres: Vec<u32>,

    /// Use a server of our own in memory, also where a database is configured
    #[arg(long)]
    scratch: bool,

    /// Work on so many parts at the same time [default: one a processor]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Pass where a step undoes only together with the ones after it
    #[arg(long)]
    allow_groups: bool,

    /// Judge risks by the sizes of the tables in this database: an environment, or a URL
    ///
    /// Reads the catalog only, and locks no table. Other users of this machine see the arguments of a process: prefer an
    /// environment where the URL has a password.
    #[arg(long, value_name = "ENV|URL")]
    sizes_from: Option<String>,

    /// Warn of a script that takes longer than this on the scratch database
    #[arg(long, value_name = "TIME", default_value = "5min", value_parser = crate::args::duration)]
    warn_above: Duration,

    /// Where nothing is found, record what each script changes, in migrations.lock, and the schema at the newest version,
    /// in schema.sql.snap, both beside the migrations
    ///
    /// With `prove = true` in an environment (or `up --prove`), a migration commits only if it makes the change recorded
    /// here. Later runs of `verify` hold the migrations to what is recorded. Refused where the lock may not be changed.
    #[arg(long, conflicts_with = "to")]
    record: bool,

    #[command(flatten)]
    reports: Reports,

    /// Fail where migrations.lock is outdated; the default where CI is set and in a protected environment
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    locked: Option<bool>,
}

impl Verify {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(self.locked)?;
        if self.record && settings.locked.value {
            return Err(Problem::RecordLocked { origin: settings.locked.origin.to_string() }.into());
        }
        let mut checked = Checked {
            dir: settings.dir.value.clone(),
            set: None,
            standing: Vec::new(),
            folder: None,
            lock: None,
            locked: settings.locked.value,
            base: None,
            reports: Vec::new(),
            allow_groups: self.allow_groups,
            outdated: None,
            recording: self.record,
            record: None,
            lint: Vec::new(),
            risks: BTreeMap::new(),
            warn_above: self.warn_above,
            folder_in_repository: folder_in_repository(&settings.dir.value, &call.context.cwd),
        };
        let options = folder::Options::new(&settings.root);
        let standing = folder::standing_checks(&settings.dir.value, &options);
        match folder::read(&settings.dir.value, &options).and_then(|set| Ok((set, standing?))) {
            Ok((set, standing)) => {
                checked.standing = standing;
                self.check(call, &settings, set, &mut checked)?;
            }
            // A folder that is not there is no migrations' fault.
            Err(problems) if !settings.dir.value.is_dir() => return Err(problems.into()),
            Err(problems) => checked.folder = Some(problems),
        }
        let verbose = call.ui.is_verbose();
        let answer = Answer::check(checked.fails(), VerifyView { checked, verbose })?;
        call.write_reports(&self.reports, "verify", &answer)?;
        Ok(answer)
    }

    /// What the rules find in what a pull request brings. Of a whole history it is `lint` that tells, for there it can be
    /// said where to begin.
    fn lint(&self, settings: &Settings, set: &Set, checked: &Checked) -> Vec<lint::Finding> {
        let Some(base) = &checked.base else { return Vec::new() };
        let mut options = super::lint::options(settings);
        let new = set.migrations.iter().filter(|migration| base.is_new(&migration.stem));
        options.scope = lint::Scope::Pending(new.map(|migration| migration.version).collect());
        let oldest = checked.reports.iter().filter_map(|report| major(&report.server_version)).min();
        if let Some(oldest) = oldest.filter(|_| settings.lint.server_version.is_none()) {
            options.server_version = oldest;
        }
        let to = self.to.as_ref().map(|target| target.version);
        let wanted = |finding: &lint::Finding| {
            let version = set.find_recorded(&finding.stem).map(|migration| migration.version);
            version.zip(to).is_none_or(|(version, to)| version <= to)
        };
        lint::check(set, &options).into_iter().filter(wanted).collect()
    }

    /// How risky each migration is that was looked at: the highest of what was measured, or what its text shows where
    /// it could not be run.
    fn risks(&self, call: &Call, set: &Set, reports: &[Report]) -> anyhow::Result<BTreeMap<String, Risks>> {
        let seen: BTreeSet<_> =
            reports.iter().flat_map(|report| &report.migrations).map(|one| one.stem.as_str()).collect();
        // What a pull request brings is applied together; of a whole history every table is in use.
        let together = self.base.is_some();
        let mut book = Book::read(set, |migration| together && seen.contains(migration.stem.as_ref()));
        if let Some(place) = &self.sizes_from {
            book = book.with_sizes(call.sizes(place)?);
        }
        let mut risks = BTreeMap::new();
        for stem in seen {
            let of = |direction| {
                let measured = reports.iter().filter_map(|report| report.of(stem));
                let measured = measured.filter_map(|one| match direction {
                    Direction::Up => one.up.as_ref(),
                    Direction::Down => one.down.as_ref(),
                });
                let highest = measured
                    .map(|measured| book.of_measured(stem, direction, measured))
                    .max_by_key(|risk| risk.level);
                highest.unwrap_or_else(|| book.of_text(stem, direction))
            };
            risks.insert(stem.to_owned(), Risks { up: of(Direction::Up), down: of(Direction::Down) });
        }
        Ok(risks)
    }

    fn check(&self, call: &Call, settings: &Settings, set: Set, checked: &mut Checked) -> anyhow::Result<()> {
        checked.lock = lock::check(&settings.dir.value, &set).err();
        for target in self.from.iter().chain(&self.to) {
            check_target(&set, target)?;
        }
        if let Some(rev) = &self.base {
            checked.base = Some(base::compare(&settings.root, &settings.dir.value, rev, &set)?);
        }
        let part = self.part(&set);
        let wanted = |stem: &str| checked.base.as_ref().is_none_or(|base| base.is_new(stem));
        if part.migrations.iter().any(|migration| wanted(&migration.stem)) {
            for place in self.places(call, settings)? {
                let report = self.verify(call, settings, &part, checked, &place)?;
                checked.reports.push(report);
            }
        }
        checked.risks = self.risks(call, &set, &checked.reports)?;
        checked.lint = self.lint(settings, &set, checked);
        // Of a part of the migrations it says nothing.
        if self.to.is_none() {
            checked.outdated = record::outdated(&checked.dir, &checked.reports);
        }
        if self.record {
            checked.record = Some(match checked.fails() {
                true => Record::Refused,
                false => record::write(&checked.dir, &set, &checked.reports)?,
            });
        }
        checked.set = Some(set);
        Ok(())
    }

    /// The migrations up to `--to`.
    fn part(&self, set: &Set) -> Set {
        let all = set.migrations.iter();
        let last = self.to.as_ref().map(|target| target.version);
        let part = all.filter(|migration| last.is_none_or(|last| migration.version <= last));
        Set::new(set.folder.clone(), part.cloned().collect())
    }

    /// The servers to run it on.
    fn places(&self, call: &Call, settings: &Settings) -> anyhow::Result<Vec<Place>> {
        if !self.postgres.is_empty() {
            let versions = self.postgres.iter();
            let found = versions.map(|major| Ok(Place::Scratch(Some(Binaries::find(Some(*major))?))));
            return found.collect();
        }
        let own = self.scratch
            || settings.protected.value
            || match &settings.database {
                Ok(place) => place.value == Where::Local,
                Err(problem) => {
                    matches!(problem, Problem::NoDatabase { .. } | Problem::LocalProtected { .. })
                }
            };
        Ok(vec![if own { Place::Scratch(None) } else { Place::Given(Box::new(call.database(settings)?)) }])
    }

    fn verify(
        &self,
        call: &Call,
        settings: &Settings,
        set: &Set,
        checked: &Checked,
        place: &Place,
    ) -> anyhow::Result<Report> {
        let jobs = self.jobs.or_else(|| available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        let from = self.from.as_ref().map(|target| target.version);
        let live = call.ui.live();
        let base = checked.base.as_ref();
        let verification = Verification::new(set.clone())
            .only(|migration| {
                from.is_none_or(|from| migration.version >= from)
                    && base.is_none_or(|base| base.is_new(&migration.stem))
            })
            // They are of the newest version, and a part may not have what they ask about.
            .standing(if self.to.is_none() { checked.standing.clone() } else { Vec::new() })
            .jobs(jobs)
            .history_table(settings.history_table.value.clone())
            .interrupt(call.context.interrupt.clone())
            .on_progress(move |done| live(&progress(done)));
        let works = call.context.engine_works();
        let report = verification.run(place);
        drop(works);
        call.ui.rest();
        report.map_err(|error| match error {
            Error::Environment(error) => error.into(),
            Error::Engine(error) => error.into(),
            error => error.into(),
        })
    }
}

/// 15 of `15.18`.
fn major(version: &str) -> Option<u16> {
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
