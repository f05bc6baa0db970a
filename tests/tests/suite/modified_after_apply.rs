//! T37: a file that was edited, renamed or deleted after it was applied. Nothing is executed.

use migrate_runtime::core::{Goal, Refusal};
use migrate_runtime::{Error, Repair};
use migrate_tests::Cluster;
use migrate_tests::migrations::{apply, good, migrator};

const A: (&str, &str, &str) = ("0001_a", "CREATE TABLE a (id int);\n", "DROP TABLE a");
const B: (&str, &str, &str) = ("0002_b", "CREATE TABLE b ()", "DROP TABLE b");
const C: (&str, &str, &str) = ("0003_c", "CREATE TABLE c () -- body 3", "DROP TABLE c");

#[test]
fn every_edit_is_refused_and_nothing_is_executed() {
    let cluster = Cluster::start();
    let database = cluster.database();
    apply(database.url(), &[A, B]);
    let log = cluster.log();
    // (the text now, whether only comments and white space differ)
    let edits = [
        ("CREATE TABLE a (id bigint);\n", false),
        ("CREATE TABLE a (id int, name text);\n", false),
        ("CREATE TABLE a (id int) ;\n", true),
        ("CREATE TABLE a (id int);", true),
        ("-- a comment\nCREATE  TABLE\ta (id int);\n", true),
        ("CREATE TABLE \"a\" (id int);\n", false),
        ("CREATE TABLE a (id int); SELECT 1;\n", false),
    ];
    for (text, cosmetic) in edits {
        let mark = log.mark();
        let error = migrator(database.url(), &[(A.0, text, A.2), B, C]).run(Goal::UpAll).unwrap_err();
        let Error::Refused(Refusal::Modified { migrations }) = &error else { panic!("{text}: {error:?}") };
        assert_eq!(migrations.len(), 1);
        assert_eq!(
            (migrations[0].stem.as_str(), migrations[0].cosmetic),
            ("0001_a", Some(cosmetic)),
            "{text:?}"
        );
        let message = error.to_string();
        assert!(
            message.contains(&migrations[0].recorded) && message.contains(&migrations[0].found),
            "{message}"
        );
        assert_eq!(log.count(mark, "body 3"), 0, "{text:?}");
        let plan = good(migrator(database.url(), &[(A.0, text, A.2), B]).repair_plan());
        assert!(
            matches!(&plan.repairs[..], [Repair::AcceptChecksum { cosmetic: c, .. }] if *c == Some(cosmetic))
        );
    }
    // Deleted, though a newer one is there.
    let error = migrator(database.url(), &[B, C]).run(Goal::UpAll).unwrap_err();
    assert!(
        matches!(&error, Error::Refused(Refusal::Missing { versions }) if versions == &["0001_a"]),
        "{error:?}"
    );
    // Both at once are told at once.
    let both = [(A.0, "SELECT 1", A.2), (B.0, "SELECT 2", B.2)];
    let error = migrator(database.url(), &both).run(Goal::UpAll).unwrap_err();
    assert!(
        matches!(&error, Error::Refused(Refusal::Modified { migrations }) if migrations.len() == 2),
        "{error:?}"
    );
    // As it was, it goes on.
    good(migrator(database.url(), &[A, B, C]).run(Goal::UpAll));
}

/// A down file may be edited: it was not run yet, and what is recorded is what rolls back.
#[test]
fn an_edited_down_is_no_obstacle_on_the_way_up() {
    let database = migrate_testing::scratch().unwrap();
    apply(database.url(), &[A]);
    let runner = migrator(database.url(), &[(A.0, A.1, "DROP TABLE IF EXISTS a"), B]);
    assert_eq!(good(runner.run(Goal::UpAll)).done.len(), 1);
    good(runner.verify());
}

/// Secrets are masked in what is recorded: whether the password is the same nobody can tell, and nobody claims to.
#[test]
fn what_was_masked_is_not_called_a_change_of_comments() {
    let database = migrate_testing::scratch().unwrap();
    let role = format!("r_{}", database.name());
    let up = format!("CREATE ROLE {role} PASSWORD 'hunter2'");
    let down = format!("DROP ROLE {role}");
    apply(database.url(), &[("0001_role", &up, &down)]);
    let spaced = format!("CREATE ROLE   {role} PASSWORD 'hunter2'");
    let error = migrator(database.url(), &[("0001_role", &spaced, &down)]).run(Goal::UpAll).unwrap_err();
    let Error::Refused(Refusal::Modified { migrations }) = &error else { panic!("{error:?}") };
    assert_eq!(migrations[0].cosmetic, None);
    let plan = good(migrator(database.url(), &[("0001_role", &spaced, &down)]).repair_plan());
    let [Repair::AcceptChecksum { cosmetic, .. }] = &plan.repairs[..] else { panic!("{plan:?}") };
    assert_eq!(*cosmetic, None);
    good(migrator(database.url(), &[("0001_role", &up, &down)]).run(Goal::DownAll));
}
