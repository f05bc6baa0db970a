//! What `verify --record` writes, and whether what was recorded before still holds: the change of each script, in
//! `migrations.lock`, and the schema at the newest version, in `schema.sql.snap`.

use std::collections::BTreeMap;
use std::path::Path;

use migrate_core::file::{self, FileError};
use migrate_core::lock::Lock;
use migrate_core::schema::{Diff, FILE_NAME, Schema};
use migrate_core::{Checksum, Migration, Set, text};
use migrate_testing::verify::Report;

/// What became of `--record`.
pub(crate) enum Record {
    /// It is recorded; whether the files were changed by it.
    Written { lock: bool, schema: bool },
    /// Nothing is, for something was found.
    Refused,
    /// Nothing is: this script, or the schema as a whole, is not the same on all servers.
    ServersDiffer { what: String },
}

/// The largest snapshot that is read.
const MAX_BYTES: u64 = 1 << 28;

/// From the recorded schema to the one that the migrations make now; `None` where they are the same, where none is
/// recorded, and where not all migrations were applied.
pub(crate) fn outdated(dir: &Path, reports: &[Report]) -> Option<Diff> {
    let recorded = schema(&snapshot(dir)?);
    let made = reports.iter().filter_map(|report| Some(report.schema.as_ref()?.portable()));
    made.map(|made| recorded.diff(&made)).find(|diff| !diff.is_empty())
}

/// Writes it.
pub(crate) fn write(dir: &Path, set: &Set, reports: &[Report]) -> Result<Record, FileError> {
    let mut changes: BTreeMap<String, Checksum> = BTreeMap::new();
    for migration in reports.iter().flat_map(|report| &report.migrations) {
        for (half, change) in [("up", &migration.up_change), ("down", &migration.down_change)] {
            let Some(change) = change else { continue };
            let file = format!("{}.{half}.sql", migration.stem);
            let digest = change.digest();
            if *changes.entry(file.clone()).or_insert(digest) != digest {
                return Ok(Record::ServersDiffer { what: file });
            }
        }
    }
    let mut made = reports.iter().filter_map(|report| Some(report.schema.as_ref()?.portable()));
    let newest = made.next();
    if made.any(|other| Some(other) != newest) {
        return Ok(Record::ServersDiffer { what: FILE_NAME.to_owned() });
    }
    let schema = match newest {
        Some(schema) => write_schema(dir, &schema)?,
        None => false,
    };
    let lock = Lock::of(&recorded(set, &changes)).write(dir)?;
    Ok(Record::Written { lock, schema })
}

/// The set with these changes; what was not measured keeps the one that it has.
fn recorded(set: &Set, changes: &BTreeMap<String, Checksum>) -> Set {
    let mut migrations: Vec<Migration> = set.migrations.to_vec();
    for script in migrations.iter_mut().flat_map(Migration::scripts_mut) {
        script.change = changes.get(script.file.as_ref()).copied().or(script.change);
    }
    Set::new(set.folder.clone(), migrations)
}

fn snapshot(dir: &Path) -> Option<String> {
    let bytes = file::read(&dir.join(FILE_NAME), MAX_BYTES).ok()?;
    text::normalise(&bytes).ok()
}

/// A snapshot that makes no sense is one of nothing: all of the schema is new.
fn schema(snapshot: &str) -> Schema {
    Schema::parse(snapshot).unwrap_or_default()
}

/// An insta snapshot, so that `cargo insta review` can show it, and `assert_schema!` hold the migrations to it. The head
/// of one that is there stays.
fn write_schema(dir: &Path, made: &Schema) -> Result<bool, FileError> {
    let old = snapshot(dir);
    if old.as_deref().is_some_and(|old| Schema::parse(old).is_ok_and(|old| old == *made)) {
        return Ok(false);
    }
    let head = old.as_deref().and_then(|old| {
        let end = old.strip_prefix("---\n")?.find("\n---\n")?;
        old.get(..end + "---\n\n---\n".len())
    });
    let head = head.unwrap_or("---\nsource: cargo migrate verify --record\n---\n");
    file::replace(&dir.join(FILE_NAME), format!("{head}{}", made.text()).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(dir: &Path) -> String {
        snapshot(dir).unwrap()
    }

    #[test]
    fn the_head_of_a_snapshot_stays() {
        let folder = tempfile::tempdir().unwrap();
        let schema = |text: &str| Schema::parse(text).unwrap();
        assert!(write_schema(folder.path(), &schema("table a\n")).unwrap());
        assert_eq!(read(folder.path()), "---\nsource: cargo migrate verify --record\n---\ntable a\n");
        let insta = "---\nsource: tests/a.rs\nexpression: x\n---\ntable a\n";
        file::replace(&folder.path().join(FILE_NAME), insta.as_bytes()).unwrap();
        assert!(!write_schema(folder.path(), &schema("table a\n")).unwrap());
        assert!(write_schema(folder.path(), &schema("table b\n")).unwrap());
        assert_eq!(read(folder.path()), insta.replace("table a", "table b"));
        file::replace(&folder.path().join(FILE_NAME), b"nonsense\n x\n").unwrap();
        assert!(write_schema(folder.path(), &schema("table b\n")).unwrap());
        assert!(read(folder.path()).ends_with("---\ntable b\n"));
    }

    #[test]
    fn an_outdated_schema_is_told_by_its_difference() {
        let folder = tempfile::tempdir().unwrap();
        let report = |text: &str| Report { schema: Some(Schema::parse(text).unwrap()), ..Report::default() };
        let reports =
            [report("table a\n    owner x\n"), report("table a\n    owner y\n    grant all to z\n")];
        assert!(outdated(folder.path(), &reports).is_none());
        write(folder.path(), &Set::new("", vec![]), &reports).unwrap();
        assert!(outdated(folder.path(), &reports).is_none());
        let now = [report("table a\n"), report("table a\n    column b integer\n")];
        assert_eq!(outdated(folder.path(), &now).unwrap().text(), "  table a\n+     column b integer\n");
        let before = read(folder.path());
        let refused = write(folder.path(), &Set::new("", vec![]), &now).unwrap();
        assert!(matches!(refused, Record::ServersDiffer { what } if what == FILE_NAME));
        assert_eq!(read(folder.path()), before);
    }
}
