//! A deferred constraint fails at COMMIT (T26): the migration failed, whatever its statements said.

use migrate_tests::invariant::{Effect, Migration};
use migrate_tests::subject::Goal;
use migrate_tests::{Cluster, Subject};

#[test]
fn a_failure_at_commit_is_a_failure() {
    let migrations = [
        Migration {
            stem: "0001_create_parents",
            up: "CREATE TABLE parents (id int PRIMARY KEY);\n\
                 CREATE TABLE children (parent int REFERENCES parents DEFERRABLE INITIALLY DEFERRED);\n",
            down: "DROP TABLE children;\nDROP TABLE parents;\n",
            effects: &[Effect::Relation("parents"), Effect::Relation("children")],
        },
        Migration {
            stem: "0002_adopt",
            // Whether there is a parent is a matter of the database, so that an undisturbed run succeeds.
            up: "INSERT INTO parents SELECT 1 WHERE current_setting('chaos.orphans', true) IS DISTINCT FROM 'on';\n\
                 INSERT INTO children VALUES (1);\n\
                 CREATE TABLE adopted ();\n",
            down: "DROP TABLE adopted;\nDELETE FROM children;\nDELETE FROM parents;\n",
            effects: &[Effect::Relation("adopted"), Effect::Rows("children", "true", 1)],
        },
    ];
    let subject = Subject::with(Cluster::start(), &migrations);
    let database = subject.database(Goal::Up);
    let mut admin = subject.cluster.admin();
    admin.batch_execute(&format!("ALTER DATABASE {database} SET chaos.orphans = 'on'")).unwrap();
    let failed = subject.run(Goal::Up, &subject.cluster.url(&database));
    failed.expect(2);
    assert!(failed.stderr.contains("at its commit"), "{}", failed.stderr);
    assert!(failed.stderr.contains("children_parent_fkey"), "{}", failed.stderr);
    assert!(!failed.stderr.contains("applied 0002_adopt"), "{}", failed.stderr);
    admin.batch_execute(&format!("ALTER DATABASE {database} RESET ALL")).unwrap();
    subject.check(Goal::Up, &database, failed.code, &failed.stderr);
}
