//! `deploy` on servers of other versions: with programs that fit the server as on ours; with older ones it is refused before
//! anything is written, with what to install.

use migrate_testing::{Binaries, ClientPrograms};
use migrate_tests::production::{TWO, backups, has_pg_dump, project};
use migrate_tests::wait::answer;
use migrate_tests::{Cluster, nightly, skip};
use postgres::{Client, NoTls};

#[test]
fn of_each_version() {
    nightly!();
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let own = Binaries::find(None).unwrap().program("pg_dump").unwrap();
    for major in [14, 16, 17, 18] {
        let cluster = Cluster::builder().binaries(Binaries::find(Some(major)).unwrap()).start();
        let database = cluster.database();
        let mut client = Client::connect(database.url(), NoTls).unwrap();
        let mut environment = project(&TWO, "");
        environment.set_var("DATABASE_URL", database.url());
        if major > 15 {
            environment.set_var("MIGRATE_PG_CLIENT_BIN", own.parent().unwrap());
            let refused = environment.run(&["deploy"]);
            refused.expect(5);
            assert!(
                refused.stderr.contains("pg_dump") && refused.stderr.contains(&major.to_string()),
                "{}",
                refused.stderr
            );
            assert_eq!(answer(&mut client, "SELECT to_regclass('schema_migrations')"), "NULL", "{major}");
            environment.run(&["deploy", "--skip-backup", "no programs"]).success();
            environment.run(&["down", "--all"]).success();
            environment.remove_var("MIGRATE_PG_CLIENT_BIN");
        }
        let programs = ClientPrograms::find(major).unwrap();
        let output = environment.run(&["deploy"]);
        assert!(output.success().stdout.contains("verified"), "{major}, {programs:?}: {}", output.stdout);
        assert_eq!(backups(&environment).len(), 1);
        let last =
            "SELECT outcome FROM schema_migrations_log WHERE action = 'deploy' ORDER BY id DESC LIMIT 1";
        assert_eq!(answer(&mut client, last), "finished", "{major}");
        // And back by the down scripts.
        environment.migration("0003_fail", "CREATE TABLE c ();\nSELECT nope;\n", "DROP TABLE c;\n");
        let arguments = ["deploy", "--on-failure", "rollback", "--skip-backup", "it is a test"];
        assert!(environment.run(&arguments).expect(2).stdout.contains("the history has 2 migrations now"));
    }
}
