//! What `verify` found, as a reviewer is told it.

use std::collections::BTreeMap;
use std::time::Duration;

use migrate_core::folder::Problem;
use migrate_core::schema::Diff;
use migrate_core::sql::{LineColumn, mask_text};
use migrate_core::{Direction, Migration};
use migrate_testing::verify::{Finding, MigrationReport};

use super::checks::checks;
use super::findings::first_line;
use super::words::{changed, failed, hint, title};
use crate::checked::Checked;
use crate::render::review::{Note, NoteLevel, Place, Review, Reviewed, Way};
use crate::render::words::time;

/// All of it, for the outputs that reviewers read.
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
        let message = format!("{}: {}{code}", failed(finding, failure), mask_text(&server.message));
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
    if let Finding::CheckFails(outcome) = finding {
        note.stem = migration.map(|migration| migration.stem.clone());
        note.file = Some(outcome.file.clone());
        note.place = Some(Place::line(outcome.line));
    } else if let Some(migration) = migration {
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

/// The migrations that were looked at. Of several servers the longest times and the strongest locks are told.
fn migrations(checked: &Checked) -> Vec<Reviewed> {
    let Some(set) = &checked.set else { return Vec::new() };
    let risks = checked.untold_risks();
    let mut by_stem: BTreeMap<&str, Vec<&MigrationReport>> = BTreeMap::new();
    for report in checked.reports.iter().flat_map(|report| &report.migrations) {
        by_stem.entry(&report.stem).or_default().push(report);
    }
    let reviewed = |migration: &Migration| {
        let reports = by_stem.get(migration.stem.as_ref())?;
        let risks = risks.get(migration.stem.as_ref()).cloned().unwrap_or_default();
        let limit = checked.warn_above;
        let ups: Vec<_> = reports.iter().filter_map(|report| report.up.as_ref()).collect();
        let mut ways = vec![Way::measured(Direction::Up, &migration.up.file, &ups, risks.up, limit)];
        if let Some(down) = &migration.down {
            let downs: Vec<_> = reports.iter().filter_map(|report| report.down.as_ref()).collect();
            ways.push(Way::measured(Direction::Down, &down.file, &downs, risks.down, limit));
        }
        let irreversible = migration.up.directives.irreversible.as_ref().map(ToString::to_string);
        Some(Reviewed { stem: migration.stem.to_string(), irreversible, ways })
    };
    set.migrations.iter().filter_map(reviewed).collect()
}
