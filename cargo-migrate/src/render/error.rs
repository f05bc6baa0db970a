//! Failures: the file's own line with a caret, what the server said, the causes, and what to do.

use std::path::Path;

use migrate_core::folder::{self, Problem as FolderProblem, Problems};
use migrate_core::lock::LockError;
use migrate_core::sql::{LineColumn, mask_text};
use migrate_core::text::normalise;
use migrate_core::{ScriptError, file};
use migrate_runtime::checks::Outcome;
use migrate_runtime::error::{Disproof, Failure};
use migrate_runtime::event::Session;
use migrate_runtime::{Error as EngineError, causes};

use super::checks;
use super::escape::{escape, escape_line};
use super::snippet::Place;
use super::ui::Page;
use super::view::schema_diff::lines;
use super::words::{count, session};
use crate::Problem;

/// A failure for people, with a line end at its end.
pub(crate) fn human(failure: &anyhow::Error, dir: Option<&Path>, page: Page) -> String {
    let paint = page.paint;
    if let Some(problems) = failure.downcast_ref() {
        return folder_problems(problems, page);
    }
    let mut text = String::new();
    let shown_by_server = server_failure(failure);
    match shown_by_server {
        Some(server) => {
            let title = mask_text(&failure.to_string()).into_owned();
            let path = path_of(server, dir);
            let code = Some(server.server.code.as_str()).filter(|code| !code.is_empty());
            text += &place_of(server, &path).render(&title, code, page);
            for (name, value) in notes(server) {
                text += &format!("{} {name}: {}\n", paint.note("  ="), indented(&value));
            }
        }
        None => {
            let message = mask_text(&failure.to_string()).into_owned();
            if let Some(EngineError::CheckFailed { failed, .. }) = failure.downcast_ref() {
                text += &check_failed(&message, failed, dir, page);
            } else if let Some(EngineError::TouchesHistory { file, text: script, statement, .. }) =
                failure.downcast_ref()
            {
                let place = Place { path: file, text: script, position: None, statement: Some(*statement) };
                text += &place.render(&message, None, page);
            } else {
                text += &format!("{}: {}\n", paint.bad("error"), indented(&message));
            }
        }
    }
    // What a server failure's own source says stands above already.
    if shown_by_server.is_none() {
        for cause in causes(failure.as_ref()) {
            text += &format!("  {}: {}\n", paint.faint("because"), indented(&mask_text(&cause)));
        }
    }
    for (word, other) in in_the_way(failure) {
        text += &format!("  {word} {}\n", session(other));
    }
    if let Some(EngineError::Interrupted { stem: Some(stem), .. }) = failure.downcast_ref() {
        text += &format!("  in flight: {}\n", escape_line(stem));
    }
    if let Some(EngineError::Disproved { disproof }) = failure.downcast_ref() {
        text += &disproved(disproof, page);
    }
    if let Some(EngineError::Dirty { progress, invalid_indexes, .. }) = failure.downcast_ref() {
        if let Some((done, total)) = progress {
            text += &format!("  {done} of its {total} statements are done\n");
        }
        for index in invalid_indexes {
            text += &format!("  invalid index: {}\n", escape_line(index));
        }
    }
    for hint in hints(failure) {
        text += &format!("{}: {}\n", paint.note("hint"), indented(&hint));
    }
    text
}

/// Each check at its line, with what it found.
fn check_failed(message: &str, failed: &[Outcome], dir: Option<&Path>, page: Page) -> String {
    if let [one] = failed {
        return checks::human(one, message, dir, page);
    }
    let mut text = format!("{}: {}\n", page.paint.bad("error"), indented(message));
    for outcome in failed {
        let title = outcome.description.as_deref().unwrap_or("this check failed");
        text += &checks::human(outcome, &mask_text(title), dir, page);
    }
    text
}

/// What it changed, and the two digests.
fn disproved(disproof: &Disproof, page: Page) -> String {
    let mut text = match disproof.diff.is_empty() {
        true => "  it changed nothing in the schema here\n".to_owned(),
        false => "  what it changed here:\n".to_owned(),
    };
    for line in lines(&disproof.diff, page.paint).split_inclusive('\n') {
        text += &format!("    {line}");
    }
    text + &format!("  recorded: {}\n  here:     {}\n", disproof.recorded, disproof.found)
}

/// Each problem with its own hint; what stands on a line of a file is shown there.
pub(crate) fn folder_problems(problems: &Problems, page: Page) -> String {
    let paint = page.paint;
    let mut text = String::new();
    for (index, problem) in problems.problems.iter().enumerate() {
        text += &match script_error(problem) {
            Some((path, error, script)) => {
                let path = path.display().to_string();
                let place =
                    Place { path: &path, text: &script, position: Some(error.offset), statement: None };
                place.render(&error.reason.to_string(), None, page)
            }
            None => format!("{}: {}\n", paint.bad("error"), indented(&problem.to_string())),
        };
        let hint = problem.hint();
        // What helps against several in a row is said once, after the last.
        if problems.problems.get(index + 1).is_none_or(|next| next.hint() != hint) {
            text += &format!("{}: {}\n", paint.note("hint"), indented(&hint));
            if problems.problems.len() > 1 {
                text.push('\n');
            }
        }
    }
    if problems.problems.len() > 1 {
        let folder = problems.folder.display().to_string();
        text += &format!("{} in {}\n", count(problems.problems.len(), "problem"), escape_line(&folder));
    }
    text
}

/// A fault inside a file, with the file's text; `None` where the file changed or went since it was read.
fn script_error(problem: &FolderProblem) -> Option<(&Path, &ScriptError, String)> {
    let FolderProblem::Script { path, error } = problem else { return None };
    let bytes = file::read(path, folder::MAX_FILE_BYTES).ok()?;
    let script = normalise(&bytes).ok().filter(|script| {
        let place = LineColumn::of(script, error.offset);
        (place.line, place.column) == (error.line, error.column)
    })?;
    Some((path, error, script))
}

/// Escaped, with the lines after the first set in.
fn indented(text: &str) -> String {
    escape(text.trim_end()).replace('\n', "\n    ")
}

fn notes(failure: &Failure) -> Vec<(&'static str, String)> {
    let server = &failure.server;
    let masked = |text: &String| mask_text(text).into_owned();
    let mut notes = Vec::new();
    notes.extend(server.detail.as_ref().map(|text| ("detail", masked(text))));
    notes.extend(server.hint.as_ref().map(|text| ("hint of the server", masked(text))));
    notes.extend(server.object.iter().map(|(name, value)| (*name, value.clone())));
    if let Some((query, position)) = &server.internal {
        notes.push(("in the statement", internal(query, *position)));
    }
    notes.extend(server.context.as_ref().map(|text| ("context", masked(text))));
    notes
}

/// A statement that the server generated, as in a function, with its place.
fn internal(query: &str, position: u32) -> String {
    let before: String =
        query.chars().take(usize::try_from(position).unwrap_or(1).saturating_sub(1)).collect();
    let line = before.matches('\n').count() + 1;
    format!("{} (line {line})", mask_text(query.trim()))
}

fn in_the_way(failure: &anyhow::Error) -> Vec<(&'static str, &Session)> {
    if let Some(Problem::Deploying { holder, .. }) = failure.downcast_ref() {
        return holder.iter().map(|one| ("held by", &**one)).collect();
    }
    match failure.downcast_ref() {
        Some(EngineError::LockNotObtained { holder, .. }) => {
            holder.iter().map(|one| ("held by", &**one)).collect()
        }
        Some(EngineError::TableLock { blockers, .. }) => {
            blockers.iter().map(|one| ("held by", one)).collect()
        }
        _ => Vec::new(),
    }
}

/// What the server said about a statement, where the failure is one of those.
pub(crate) fn server_failure(failure: &anyhow::Error) -> Option<&Failure> {
    match failure.downcast_ref()? {
        EngineError::Failed { failure }
        | EngineError::RollbackFailed { failure }
        | EngineError::TableLock { failure, .. }
        | EngineError::Dirty { failure: Some(failure), .. } => Some(failure),
        _ => None,
    }
}

/// The file as a person here would open it; what is not in the folder (a text of the history) by its label alone.
pub(crate) fn path_of(failure: &Failure, dir: Option<&Path>) -> String {
    let path = dir.map(|dir| dir.join(&failure.file)).filter(|path| path.is_file());
    path.map_or_else(|| failure.file.clone(), |path| path.display().to_string())
}

pub(crate) fn place_of<'a>(failure: &'a Failure, path: &'a str) -> Place<'a> {
    Place { path, text: &failure.text, position: failure.position, statement: failure.statement }
}

/// What to do, from whoever failed.
pub(crate) fn hints(failure: &anyhow::Error) -> Vec<String> {
    let hint = if let Some(problem) = failure.downcast_ref::<Problem>() {
        Some(problem.hint())
    } else if let Some(engine) = failure.downcast_ref::<EngineError>() {
        Some(engine.hint())
    } else if let Some(problems) = failure.downcast_ref::<Problems>() {
        Some(problems.hint())
    } else if let Some(lock) = failure.downcast_ref::<LockError>() {
        Some(lock.hint())
    } else if let Some(file) = failure.downcast_ref::<migrate_core::file::FileError>() {
        Some(file.hint())
    } else if let Some(verify) = failure.downcast_ref::<migrate_testing::verify::Error>() {
        Some(verify.hint())
    } else {
        failure.downcast_ref::<migrate_testing::Error>().and_then(migrate_testing::Error::hint)
    };
    let hint = hint.unwrap_or_default();
    hint.split('\n').map(str::trim).filter(|hint| !hint.is_empty()).map(str::to_owned).collect()
}

/// A short name of the failure for programs, kept stable.
pub(crate) fn kind(failure: &anyhow::Error) -> &'static str {
    if let Some(problem) = failure.downcast_ref::<Problem>() {
        return problem.kind();
    }
    if failure.is::<Problems>() {
        return "folder";
    }
    if failure.is::<LockError>() {
        return "lock";
    }
    if failure.is::<migrate_testing::Error>() {
        return "local_server";
    }
    match failure.downcast_ref::<migrate_testing::verify::Error>() {
        Some(migrate_testing::verify::Error::MayNotCreate { .. }) => return "may_not_create",
        Some(migrate_testing::verify::Error::ServerWide { .. }) => return "server_wide",
        Some(_) => return "scratch_database",
        None => {}
    }
    match failure.downcast_ref() {
        Some(EngineError::Settings { .. }) => "settings",
        Some(EngineError::Connect { .. }) => "connect",
        Some(EngineError::ConnectionLost { .. }) => "connection_lost",
        Some(EngineError::Interfered { .. }) => "interfered",
        Some(EngineError::ReadOnly { .. }) => "read_only",
        Some(EngineError::LockNotObtained { .. }) => "lock_not_obtained",
        Some(EngineError::TableLock { .. }) => "table_lock",
        Some(EngineError::Failed { .. }) => "failed",
        Some(EngineError::RollbackFailed { .. }) => "rollback_failed",
        Some(EngineError::Disproved { .. }) => "disproved",
        Some(EngineError::NotRecorded { .. }) => "not_recorded",
        Some(EngineError::CheckFailed { .. }) => "check_failed",
        Some(EngineError::Dirty { .. }) => "dirty",
        Some(EngineError::Refused(_)) => "refused",
        Some(EngineError::ForeignTable { .. }) => "foreign_table",
        Some(EngineError::NewerLog { .. }) => "newer_log",
        Some(EngineError::LostWhilePartlyApplied { .. }) => "lost_while_partly_applied",
        Some(EngineError::LockLost { .. }) => "lock_lost",
        Some(EngineError::HistoryChanged { .. }) => "history_changed",
        Some(EngineError::SingleTransaction { .. }) => "single_transaction",
        Some(EngineError::RecordedScript { .. }) => "recorded_script",
        Some(EngineError::TouchesHistory { .. }) => "touches_history",
        Some(EngineError::RepairOutdated) => "repair_outdated",
        Some(EngineError::DownDiffers { .. }) => "down_differs",
        Some(EngineError::Server { .. }) => "server",
        Some(EngineError::TooLarge { .. }) => "too_large",
        Some(EngineError::Interrupted { .. }) => "interrupted",
        Some(EngineError::InsideRuntime) => "inside_runtime",
        Some(EngineError::Pending { .. }) => "pending",
        Some(EngineError::SchemaUnfit { .. }) => "schema_unfit",
        Some(EngineError::NoSchemaRecorded) => "no_schema_recorded",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use migrate_core::Direction;
    use migrate_runtime::error::ServerError;

    use super::*;
    use crate::render::Paint;

    const TEXT: &str = "CREATE TABLE orders (id int);\n\nALTER TABLE orders\n    ADD CONSTRAINT positive CHECK (totl > 0);\n";

    fn failure() -> Failure {
        Failure {
            stem: "0003_orders".into(),
            file: "0003_orders.up.sql".into(),
            text: TEXT.into(),
            direction: Direction::Up,
            position: TEXT.find("totl"),
            statement: TEXT.find("ALTER").map(|start| (start, TEXT.len() - 2)),
            at_commit: false,
            server: ServerError {
                severity: "ERROR".into(),
                code: "42703".into(),
                message: "column \"totl\" does not exist".into(),
                detail: Some("There is a column named \"total\".".into()),
                hint: Some("Perhaps you meant \"total\".".into()),
                context: Some("PL/pgSQL function inline_code_block line 3\nat SQL statement".into()),
                object: vec![("table", "orders".into()), ("constraint", "positive".into())],
                internal: Some(("SELECT totl\nFROM orders".into(), 8)),
            },
        }
    }

    fn shown(error: impl Into<anyhow::Error>) -> String {
        human(&error.into(), None, Page { width: Some(100), paint: Paint::default() })
    }

    #[test]
    fn a_failed_migration_is_shown_at_its_line() {
        insta::assert_snapshot!(shown(EngineError::Failed { failure: Box::new(failure()) }));
    }

    #[test]
    fn in_colour_too() {
        let page = Page { width: Some(100), paint: Paint { on: true } };
        let error = anyhow::Error::new(EngineError::Failed { failure: Box::new(failure()) });
        insta::assert_snapshot!(human(&error, None, page).replace('\u{1b}', "␛"));
    }

    #[test]
    fn a_failed_commit_has_no_line() {
        let server = ServerError {
            code: "23503".into(),
            message: "insert or update on table \"a\" violates foreign key constraint".into(),
            ..ServerError::default()
        };
        let failure = Failure { position: None, statement: None, at_commit: true, server, ..failure() };
        insta::assert_snapshot!(shown(EngineError::RollbackFailed { failure: Box::new(failure) }));
    }

    #[test]
    fn who_holds_a_table_lock_is_told() {
        let blocker = Session {
            pid: 4711,
            application: Some("psql".into()),
            user: Some("alice".into()),
            client: Some("10.0.0.3".into()),
            state: Some("idle in transaction".into()),
            transaction_age: Some(Duration::from_secs(600)),
            query: Some("LOCK TABLE orders".into()),
        };
        insta::assert_snapshot!(shown(EngineError::TableLock {
            stem: "0003_orders".into(),
            direction: Direction::Up,
            waited: Duration::from_secs(60),
            attempts: 8,
            blockers: vec![blocker],
            failure: Box::new(failure()),
        }));
    }

    #[test]
    fn a_partly_applied_migration_says_how_far_it_is() {
        insta::assert_snapshot!(shown(EngineError::Dirty {
            stem: "0004_index".into(),
            progress: Some((1, 3)),
            invalid_indexes: vec!["public.orders_total_idx".into()],
            failure: None,
        }));
    }

    #[test]
    fn what_is_wrong_in_a_file_is_shown_at_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("0001_a.up.sql", "CREATE TABLE a (id int);\n\nINSERT INTO a VALUES ('é', 'open);\n");
        write("0001_a.down.sql", "-- migrate: lock-timout 3s\nDROP TABLE a;\n");
        write("0002_b.up.sql", "SELECT 1;\n");
        write("0003_c.up.sql", "\\copy x from 'y'\r\n");
        write("0003_c.down.sql", "-- nothing\n");
        let problems = folder::read(folder.path(), &folder::Options::new(folder.path())).unwrap_err();
        let shown = shown(problems);
        insta::assert_snapshot!(shown.replace(&folder.path().display().to_string(), "migrations"));
    }

    #[test]
    fn causes_are_a_chain_and_are_not_told_twice() {
        let error = anyhow::Error::new(std::io::Error::other("disk full"))
            .context("could not write a.sql: disk full")
            .context("`new` stopped");
        insta::assert_snapshot!(shown(error));
    }

    #[test]
    fn hostile_text_and_secrets_stay_inside() {
        let nasty = "x\u{1b}]0;t\u{7}\r\u{202e} PASSWORD 'canary'";
        let server = ServerError {
            severity: "ERROR".into(),
            code: "42P01".into(),
            message: nasty.into(),
            detail: Some(nasty.into()),
            hint: Some(nasty.into()),
            context: Some(nasty.into()),
            object: vec![("table", "\u{1b}[31m".into())],
            internal: Some((nasty.into(), 900)),
        };
        let failure = Failure {
            file: "\u{1b}[2J.sql".into(),
            text: nasty.into(),
            position: Some(1),
            server,
            ..failure()
        };
        let error = anyhow::Error::new(EngineError::Failed { failure: Box::new(failure) });
        let page = Page { width: Some(20), paint: Paint::default() };
        let json = crate::render::json::error(&error, None).to_string();
        for text in [human(&error, None, page), crate::render::escape::escape_json(&json).into_owned()] {
            assert!(!text.contains("canary"), "{text}");
            assert!(!text.contains(|c: char| c.is_control() && c != '\n' || c == '\u{202e}'), "{text:?}");
        }
    }

    #[test]
    fn problems_have_their_hint() {
        insta::assert_snapshot!(shown(Problem::NoDatabase { known: Vec::new() }));
    }
}
