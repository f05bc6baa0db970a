//! The schema that migrations make, as text for snapshots.

use migrate_runtime::core::{Goal, Set};
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{Database, Migrator};

use crate::{Error, Result, ScratchDatabase, scratch};

/// The schema that a set makes on an empty database, as canonical text: without owners, grants and our own history, the
/// same on every machine and every server of 14 to 18.
///
/// ```no_run
/// # mod embedded { pub static MIGRATIONS: std::sync::LazyLock<migrate_runtime::core::Set> = std::sync::LazyLock::new(|| unreachable!()); }
/// let schema = migrate_testing::schema_of(&embedded::MIGRATIONS)?;
/// assert!(schema.contains("table public.orders"));
/// # Ok::<(), migrate_testing::Error>(())
/// ```
///
/// May be called on a thread that drives a tokio runtime.
///
/// # Errors
///
/// As [`scratch`]; [`Error::Migrate`] where a migration fails.
pub fn schema_of(set: &Set) -> Result<String> {
    let database = scratch()?;
    let migrator = Migrator::new(set.clone());
    on_a_thread(&database, migrator, |migrator| {
        migrator.run(Goal::UpAll)?;
        migrator.schema(&SchemaOptions::portable())
    })
}

impl ScratchDatabase {
    /// The schema of this database, as [`schema_of`] writes it.
    ///
    /// # Errors
    ///
    /// [`Error::Migrate`] where it cannot be read.
    pub fn schema(&self) -> Result<String> {
        let migrator = Migrator::new(Set::new("", Vec::new()));
        on_a_thread(self, migrator, |migrator| migrator.schema(&SchemaOptions::portable()))
    }
}

/// A thread of its own, because a test that is a tokio task drives a runtime already.
fn on_a_thread(
    database: &ScratchDatabase,
    migrator: Migrator,
    work: impl FnOnce(&Migrator) -> Result<migrate_runtime::core::Schema, migrate_runtime::Error> + Send,
) -> Result<String> {
    let told = |source| Error::Migrate { source: Box::new(source) };
    // The variables of libpq mean another server.
    let database = Database::resolve(Some(database.url()), &|_| None).map_err(told)?;
    let migrator = migrator.database(database);
    let done = std::thread::scope(|scope| scope.spawn(|| work(&migrator)).join());
    match done {
        Ok(schema) => Ok(schema.map_err(told)?.text()),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Asserts that the migrations of an embedded set make the schema that is recorded in `schema.sql.snap` in their folder,
/// as an insta snapshot: a change is shown as a difference, and `cargo insta review` takes it.
///
/// ```no_run
/// # use migrate_testing::assert_schema;
/// # mod embedded { pub static MIGRATIONS: std::sync::LazyLock<migrate_runtime::core::Set> = std::sync::LazyLock::new(|| unreachable!()); }
/// # fn test() {
/// assert_schema!(embedded); // the module that `embed!` makes
/// # }
/// ```
///
/// `cargo migrate verify --record` writes the same file. What is recorded there is what `embedded::check_schema()` and
/// `expect!` go by.
#[cfg(feature = "insta")]
#[macro_export]
macro_rules! assert_schema {
    ($($module:ident)::+) => {{
        let migrations = &$($module)::+::MIGRATIONS;
        let folder = $crate::__folder(::core::env!("CARGO_MANIFEST_DIR"), migrations);
        match $crate::schema_of(migrations) {
            ::core::result::Result::Ok(schema) => {
                let mut settings = $crate::__insta::Settings::clone_current();
                settings.set_snapshot_path(folder);
                settings.set_prepend_module_to_snapshot(false);
                settings.set_omit_expression(true);
                settings.remove_snapshot_suffix();
                settings.bind(|| $crate::__insta::assert_snapshot!("schema.sql", schema));
            }
            ::core::result::Result::Err(error) => {
                ::core::panic!("{}", $crate::__told(&error));
            }
        }
    }};
}

/// The folder of an embedded set, without `..` in it where it can be had so.
#[cfg(feature = "insta")]
#[doc(hidden)]
pub fn __folder(manifest: &str, set: &Set) -> std::path::PathBuf {
    let folder = std::path::Path::new(manifest).join(set.folder.as_ref());
    folder.canonicalize().unwrap_or(folder)
}

/// An error with its causes and what to do.
#[cfg(feature = "insta")]
#[doc(hidden)]
pub fn __told(error: &Error) -> String {
    let mut text = error.to_string();
    for cause in migrate_runtime::causes(error) {
        text.push_str(&format!("\nbecause: {cause}"));
    }
    match error.hint() {
        Some(hint) => format!("{text}\nhint: {hint}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use migrate_runtime::core::{Migration, Script, Version};

    use super::*;

    fn set(up: &str) -> Set {
        let up = Script::parse("0001_a.up.sql", up.to_owned()).unwrap();
        Set::new(
            "x",
            vec![Migration { stem: "0001_a".into(), version: Version::new(1), up, down: None, check: None }],
        )
    }

    #[test]
    fn it_is_what_the_migrations_make_and_nothing_of_ours() {
        let made = set("CREATE TABLE orders (id bigint PRIMARY KEY)");
        let schema = schema_of(&made).unwrap();
        assert!(schema.contains("table public.orders\n    column id bigint not null\n"), "{schema}");
        assert!(!schema.contains("schema_migrations") && !schema.contains("    owner "), "{schema}");
        let empty = scratch().unwrap().schema().unwrap();
        assert!(!empty.contains("table") && schema.starts_with(&empty), "{empty}");
        // Where a test is a task of a runtime.
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(async { schema_of(&made) }).unwrap(), schema);
    }

    #[test]
    fn a_migration_that_fails_is_told_with_its_cause() {
        let error = schema_of(&set("CREATE TABLE orders (id nonsense)")).unwrap_err();
        assert!(
            error.to_string().contains("migration `0001_a` failed: type \"nonsense\" does not exist"),
            "{error}"
        );
        assert!(error.hint().is_some());
    }
}
