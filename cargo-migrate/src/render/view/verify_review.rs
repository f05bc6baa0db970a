//! What `verify` found, as a reviewer is told it.

use std::collections::BTreeMap;
use std::time::Duration;

use migrate_core::folder::Problem;
use migrate_core::schema::Diff;
use migrate_core::sql::{LineColumn, mask_secrets};
use migrate_core::{Direction, Migration};
use migrate_runtime::rehearsal::{LockMode, Measured};
use migrate_testing::verify::{Finding, MigrationReport};

use super::verify::{changed, failed, first_line, hint, title};
use crate::checked::Checked;
use crate::lint::Level;
use crate::render::review::{Check, Note, NoteLevel, Place, Review, Reviewed, Way};
use crate::render::words::time;
use crate::risk::Risk;

pub(super) fn review(checked: &Checked) -> Review {
    let migrations = migrations(checked);
    let mut notes = of_folder(checked);
    notes.extend(of_reports(checked));
    notes.extend(outdated(checked));
    notes.extend(slow(&migrations, checked.warn_above));
    notes.extend(checked.lint.iter().map(|finding| Note::of_rule(finding, checked.script(&finding.file))));
    notes.sort_by_key(Note::order);
    let took = checked.reports.iter().map(|report| report.duration).sum();
    Review {
        verb: "verify",
        folder: checked.folder_in_repository.clone(),
        servers: checked.reports.iter().map(|report| report.server_version.clone()).collect(),
        duration: (!checked.reports.is_empty()).then_some(took),
        checks: checks(checked),
        migrations,
        notes,
    }
}

/// The recorded schema, where it is no longer that of the migrations.
fn outdated(checked: &Checked) -> Option<Note> {
    let diff = checked.outdated.as_ref().filter(|_| !checked.recording)?;
    let message = "schema.sql.snap is not the schema that the migrations make".to_owned();
    let mut note = Note::new("schema-outdated", NoteLevel::Error, message);
    note.file = Some(migrate_core::schema::FILE_NAME.to_owned());
    note.help = Some("record it with `cargo migrate verify --record`, and commit it".to_owned());
    note.diff = Some(diff.text());
    Some(note)
}

/// What is wrong before anything is run: the folder, the lock, and files that others have applied.
fn of_folder(checked: &Checked) -> Vec<Note> {
    let mut notes = Vec::new();
    for problem in checked.folder.iter().flat_map(|problems| &problems.problems) {
        let mut note = Note::new("folder", NoteLevel::Error, problem.to_string());
        note.file = file_of(checked, problem);
        note.help = Some(problem.hint());
        if let Problem::Script { error, .. } = problem {
            note.place = Some(Place::at(error.line, error.column));
        }
        notes.push(note);
    }
    if let Some(error) = &checked.lock {
        let level = if checked.locked { NoteLevel::Error } else { NoteLevel::Remark };
        let mut note = Note::new("lock-file", level, error.to_string());
        note.file = Some(migrate_core::lock::FILE_NAME.to_owned());
        note.help = Some(error.hint());
        notes.push(note);
    }
    for (base, change) in checked.base.iter().flat_map(|base| base.changes.iter().map(move |it| (base, it))) {
        let rule = change.kind().replace('_', "-");
        let mut note = Note::new(rule, NoteLevel::Error, changed(change, &base.rev));
        note.file = Some(change.file().to_owned());
        notes.push(note);
    }
    notes
}

/// The file of a problem, where it is one of the folder.
fn file_of(checked: &Checked, problem: &Problem) -> Option<String> {
    let inside = problem.path().strip_prefix(&checked.dir).ok()?;
    (!inside.as_os_str().is_empty()).then(|| inside.display().to_string())
}

/// What was found on the servers; what all of them found is told once.
fn of_reports(checked: &Checked) -> Vec<Note> {
    let mut notes: Vec<(Note, Vec<String>)> = Vec::new();
    for report in &checked.reports {
        let of_migrations = report
            .migrations
            .iter()
            .flat_map(|migration| migration.findings.iter().map(move |finding| (Some(migration), finding)));
        for (migration, finding) in of_migrations.chain(report.chain.iter().map(|finding| (None, finding))) {
            let note = of_finding(checked, migration, finding);
            let version = report.server_version.clone();
            match notes.iter_mut().find(|(known, _)| *known == note) {
                Some((_, servers)) => servers.push(version),
                None => notes.push((note, vec![version])),
            }
        }
    }
    let all = checked.reports.len();
    let told = |(note, servers): (Note, Vec<String>)| Note {
        servers: if servers.len() == all { Vec::new() } else { servers },
        ..note
    };
    notes.into_iter().map(told).collect()
}

fn of_finding(checked: &Checked, migration: Option<&MigrationReport>, finding: &Finding) -> Note {
    let level = if checked.is_error(finding) { NoteLevel::Error } else { NoteLevel::Remark };
    let rule = finding.kind().replace('_', "-");
    if let Some(failure) = finding.failure() {
        let server = &failure.server;
        let code = if server.code.is_empty() { String::new() } else { format!(" ({})", server.code) };
        let message = format!("{}: {}{code}", failed(finding, failure), mask_secrets(&server.message));
        let more = [("", &server.detail), ("hint of the server: ", &server.hint)];
        let more: Vec<_> =
            more.into_iter().filter_map(|(name, text)| Some(format!("{name}{}", text.as_deref()?))).collect();
        let place = match failure.offset.zip(checked.script(&failure.file)) {
            Some((offset, script)) => {
                let place = LineColumn::of(&script.text, offset);
                Some(Place::at(place.line, place.column))
            }
            None => failure.line.map(Place::line),
        };
        return Note {
            stem: Some(failure.stem.clone()),
            file: Some(failure.file.clone()),
            place,
            help: (!more.is_empty()).then(|| more.join("\n")),
            ..Note::new(rule, level, message)
        };
    }
    let mut note = Note::new(rule, level, title(migration, finding));
    note.help = hint(finding);
    note.diff = finding.diff().map(Diff::text);
    if let Some(migration) = migration {
        let half = match finding {
            Finding::DiffersAfterUpAgain(_)
            | Finding::NotDeterministic(_)
            | Finding::RecordedChangeDiffers { direction: Direction::Up, .. } => "up",
            _ => "down",
        };
        let file = format!("{}.{half}.sql", migration.stem);
        note.place = checked.script(&file).and_then(first_line).map(Place::line);
        note.stem = Some(migration.stem.clone());
        note.file = Some(file);
    }
    note
}

/// Scripts that take longer on a scratch database than they should.
fn slow(migrations: &[Reviewed], limit: Duration) -> Vec<Note> {
    let mut notes = Vec::new();
    for migration in migrations {
        for way in migration.ways.iter().filter(|way| way.slow) {
            let took = way.duration.map(time).unwrap_or_default();
            let message = format!("takes {took} on an empty database, which is more than {}", time(limit));
            let mut note = Note::new("slow", NoteLevel::Warning, message);
            note.stem = Some(migration.stem.clone());
            note.file = Some(way.file.clone());
            notes.push(note);
        }
    }
    notes
}

/// What holds of all migrations, or does not.
fn checks(checked: &Checked) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut check = |holds: &str, passed: bool| checks.push(Check { holds: holds.to_owned(), passed });
    check("each file of the folder is sound, and none is missing", checked.folder.is_none());
    if checked.folder.is_some() {
        return checks;
    }
    // Where the lock may be changed, an outdated one is a remark.
    if checked.lock.is_none() || checked.locked {
        check("`migrations.lock` is that of the folder", checked.lock.is_none());
    }
    if let Some(base) = &checked.base {
        check(&format!("no file of `{}` was changed", base.rev), base.changes.is_empty());
    }
    if !checked.reports.is_empty() {
        let migrations = || checked.reports.iter().flat_map(|report| &report.migrations);
        let none = |of: fn(&Finding) -> bool| {
            !migrations().flat_map(|one| &one.findings).any(|it| of(it) && checked.is_error(it))
        };
        check("every up can be applied", none(|it| matches!(it, Finding::UpFails(_))));
        check("every down undoes exactly its up", none(is_of_down));
        check(
            "every up can be applied again after its down, and makes the same",
            none(|it| !is_of_down(it) && !is_of_record(it) && !matches!(it, Finding::UpFails(_))),
        );
        if is_recorded(checked) {
            check(
                "what is recorded of the schema and its changes still holds",
                none(is_of_record) && (checked.outdated.is_none() || checked.recording),
            );
        }
        let mut chain = checked.reports.iter().flat_map(|report| &report.chain);
        check(
            "all downs and then all ups can be run, by the runner too",
            !chain.any(|it| checked.is_error(it)),
        );
    }
    if !checked.lint.is_empty() {
        let denied = checked.lint.iter().any(|finding| finding.level == Level::Deny);
        check("no rule of `lint` that is denied is broken", !denied);
    }
    checks
}

/// Whether `--record` was ever used.
fn is_recorded(checked: &Checked) -> bool {
    let mut migrations = checked.set.iter().flat_map(|set| set.migrations.iter());
    checked.outdated.is_some() || migrations.any(|migration| migration.up.change.is_some())
}

fn is_of_record(finding: &Finding) -> bool {
    matches!(finding, Finding::RecordedChangeDiffers { .. })
}

fn is_of_down(finding: &Finding) -> bool {
    matches!(
        finding,
        Finding::DownFails(_)
            | Finding::DiffersAfterDown(_)
            | Finding::OrderOnly(_)
            | Finding::UndoesInAGroup { .. }
    )
}

/// The migrations that were looked at. Of several servers the longest times and the strongest locks are told.
fn migrations(checked: &Checked) -> Vec<Reviewed> {
    let Some(set) = &checked.set else { return Vec::new() };
    let mut by_stem: BTreeMap<&str, Vec<&MigrationReport>> = BTreeMap::new();
    for report in checked.reports.iter().flat_map(|report| &report.migrations) {
        by_stem.entry(&report.stem).or_default().push(report);
    }
    let reviewed = |migration: &Migration| {
        let reports = by_stem.get(migration.stem.as_ref())?;
        let risks = checked.risks.get(migration.stem.as_ref()).cloned().unwrap_or_default();
        let limit = checked.warn_above;
        let ups: Vec<_> = reports.iter().filter_map(|report| report.up.as_ref()).collect();
        let mut ways = vec![way(Direction::Up, &migration.up.file, &ups, risks.up, limit)];
        if let Some(down) = &migration.down {
            let downs: Vec<_> = reports.iter().filter_map(|report| report.down.as_ref()).collect();
            ways.push(way(Direction::Down, &down.file, &downs, risks.down, limit));
        }
        let irreversible = migration.up.directives.irreversible.as_ref().map(ToString::to_string);
        Some(Reviewed { stem: migration.stem.to_string(), irreversible, ways })
    };
    set.migrations.iter().filter_map(reviewed).collect()
}

fn way(direction: Direction, file: &str, measured: &[&Measured], risk: Risk, limit: Duration) -> Way {
    let duration = measured.iter().map(|measured| measured.duration).max();
    let mut locks: BTreeMap<String, LockMode> = BTreeMap::new();
    let (mut rewritten, mut scanned, mut built) = (Vec::new(), Vec::new(), Vec::new());
    for statement in measured.iter().flat_map(|measured| &measured.statements) {
        let of_tables = statement.locks.iter().filter(|lock| !lock.table.new && lock.table.table.is_none());
        for lock in of_tables.filter(|lock| lock.mode > LockMode::AccessShare) {
            let known = locks.entry(lock.table.name.clone()).or_insert(lock.mode);
            *known = lock.mode.max(*known);
        }
        for (relations, names) in [
            (&statement.rewritten, &mut rewritten),
            (&statement.scanned, &mut scanned),
            (&statement.built, &mut built),
        ] {
            for relation in relations {
                if !names.contains(&relation.name) {
                    names.push(relation.name.clone());
                }
            }
        }
    }
    Way {
        direction,
        file: file.to_owned(),
        duration,
        slow: duration.is_some_and(|duration| duration > limit),
        risk,
        locks: locks.into_iter().collect(),
        rewritten,
        scanned,
        built,
    }
}
