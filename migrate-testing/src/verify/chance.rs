//! What can make one schema here and another there, by the look of it.

use migrate_runtime::core::Script;
use migrate_runtime::core::sql::first_word;

/// Statements that say in their own text what becomes of the schema. Any other may be code, which makes of it what it
/// wants: names of the time, of chance, of the database that it runs in.
const PLAIN: [&str; 24] = [
    "alter",
    "analyze",
    "begin",
    "cluster",
    "comment",
    "commit",
    "copy",
    "create",
    "delete",
    "drop",
    "end",
    "grant",
    "insert",
    "lock",
    "refresh",
    "reindex",
    "release",
    "reset",
    "revoke",
    "savepoint",
    "set",
    "start",
    "truncate",
    "update",
];

/// Whether a script runs code.
pub(super) fn runs_code(script: &Script) -> bool {
    script
        .statements
        .iter()
        .any(|statement| !PLAIN.contains(&first_word(script.sql(statement)).to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use migrate_runtime::core::folder::{self, Options};

    use super::*;

    #[test]
    fn code_is_told_from_definitions() {
        let folder = tempfile::tempdir().unwrap();
        let texts = [
            ("create table t (); -- x\n/* y */ Alter Table t add a int;", false),
            ("create table t (); do $$ begin end $$;", true),
            ("select f();", true),
            ("call f();", true),
            ("with a as (select f()) insert into t select 1;", true),
        ];
        for (number, (text, _)) in texts.iter().enumerate() {
            std::fs::write(
                folder.path().join(format!("{:04}_a.up.sql", number + 1)),
                format!("-- migrate: irreversible x\n{text}"),
            )
            .unwrap();
        }
        let set = folder::read(folder.path(), &Options::new(folder.path())).unwrap();
        for (migration, (text, code)) in set.migrations.iter().zip(texts) {
            assert_eq!(runs_code(&migration.up), code, "{text}");
        }
    }
}
