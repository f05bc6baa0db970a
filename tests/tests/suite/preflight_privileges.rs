//! `preflight` names each privilege that a statement needs, and no other: a role that lacks exactly this one fails for real,
//! and one that has it does not.

use migrate_tests::Cluster;
use postgres::{Client, NoTls};

use crate::preflight::Seen;

struct Case {
    up: &'static str,
    /// What the role needs beside the source of a MERGE: `INSERT ON orders`.
    needs: &'static [&'static str],
    since: u32,
}

const CASES: [Case; 5] = [
    Case {
        up: "MERGE INTO orders AS o USING source AS s ON o.id = s.id \
             WHEN MATCHED AND s.id > 100 THEN DELETE WHEN MATCHED THEN UPDATE SET total = 1 \
             WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)",
        needs: &["SELECT", "INSERT", "UPDATE", "DELETE"],
        since: 15,
    },
    Case {
        up: "MERGE INTO orders USING source ON false WHEN NOT MATCHED THEN INSERT (id) VALUES (source.id)",
        needs: &["INSERT"],
        since: 15,
    },
    Case {
        up: "WITH gone AS (DELETE FROM orders WHERE id = 7 RETURNING id) INSERT INTO other SELECT id FROM gone",
        needs: &["DELETE", "SELECT"],
        since: 14,
    },
    Case { up: "TRUNCATE orders", needs: &["TRUNCATE"], since: 14 },
    Case { up: "UPDATE orders SET total = 2", needs: &["UPDATE"], since: 14 },
];

/// The privileges on `orders` that a preflight misses.
fn missed(seen: &Seen) -> Vec<String> {
    let findings = seen.findings("privileges").iter();
    let of_orders = findings.filter(|finding| finding["data"]["object"] == "public.orders");
    of_orders.map(|finding| finding["data"]["privilege"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_role_that_lacks_one_privilege_is_told_this_one_and_fails_for_lack_of_it() {
    let cluster = Cluster::start();
    let major = cluster.server().binaries().major;
    let database = cluster.database();
    let mut environment = crate::preflight_server::project(database.url());
    let mut owner = database.connect().unwrap();
    owner
        .batch_execute(
            "ALTER TABLE orders ADD total int; CREATE TABLE source (id int); CREATE TABLE other (id int); \
             CREATE ROLE app LOGIN; GRANT ALL ON schema_migrations, schema_migrations_log, source, other TO app; \
             GRANT USAGE, CREATE ON SCHEMA public TO app",
        )
        .unwrap();
    let url = database.url().replace("//postgres@", "//app@");
    environment.set_var("DATABASE_URL", &url);
    let mut app = Client::connect(&url, NoTls).unwrap();
    for case in CASES.iter().filter(|case| major >= case.since) {
        environment.migration("0002_work", &format!("{};\n", case.up), "SELECT 1;\n");
        let grant = |owner: &mut Client, but: Option<&str>| {
            owner.batch_execute("REVOKE ALL ON orders FROM app").unwrap();
            for privilege in case.needs.iter().filter(|privilege| Some(**privilege) != but) {
                owner.batch_execute(&format!("GRANT {privilege} ON orders TO app")).unwrap();
            }
        };
        for lacking in case.needs {
            grant(&mut owner, Some(lacking));
            let error = app.batch_execute(&format!("BEGIN; {}", case.up)).unwrap_err();
            assert_eq!(error.code().unwrap().code(), "42501", "{} without {lacking}: {error}", case.up);
            app.batch_execute("ROLLBACK").unwrap();
            // What a WHERE reads is not derived, and says nothing.
            if *lacking != "SELECT" || case.up.starts_with("MERGE") {
                assert_eq!(missed(&Seen::failed(&environment, &[])), [*lacking], "{}", case.up);
            }
        }
        grant(&mut owner, None);
        app.batch_execute(&format!("BEGIN; {}; ROLLBACK", case.up)).unwrap();
        assert_eq!(Seen::passed(&environment, &[]).severity("privileges"), "ok", "{}", case.up);
    }
}

/// Whoever has nothing on a table is refused; whoever has something, and may not give it on, is warned by the server, and
/// grants nothing.
#[test]
fn who_may_grant_is_told_as_the_server_has_it() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let mut environment = crate::preflight_server::project(database.url());
    let mut owner = database.connect().unwrap();
    owner
        .batch_execute(
            "CREATE ROLE app LOGIN; CREATE ROLE reader; GRANT ALL ON schema_migrations, schema_migrations_log TO app; \
             GRANT USAGE, CREATE ON SCHEMA public TO app",
        )
        .unwrap();
    let url = database.url().replace("//postgres@", "//app@");
    environment.set_var("DATABASE_URL", &url);
    let mut app = Client::connect(&url, NoTls).unwrap();
    let granted = "SELECT has_table_privilege('reader', 'orders', 'SELECT')::text";
    for up in ["GRANT SELECT ON orders TO reader", "REVOKE SELECT ON orders FROM reader"] {
        owner.batch_execute("REVOKE ALL ON orders FROM app").unwrap();
        environment.migration("0002_work", &format!("{up};\n"), "SELECT 1;\n");
        let error = app.batch_execute(up).unwrap_err();
        assert_eq!(error.code().unwrap().code(), "42501", "{up}");
        let seen = Seen::failed(&environment, &[]);
        assert_eq!(seen.only("privileges", "failure")["data"]["privilege"], "GRANT", "{up}");
        // Not refused, and nothing is done.
        owner.batch_execute("GRANT SELECT ON orders TO app").unwrap();
        app.batch_execute(up).unwrap();
        assert_eq!(migrate_tests::wait::answer(&mut owner, granted), "false", "{up}");
        let seen = Seen::passed(&environment, &[]);
        let finding = seen.only("privileges", "warning");
        assert_eq!(finding["data"]["privilege"], "SELECT WITH GRANT OPTION", "{up}");
        owner.batch_execute(finding["remedy"].as_str().unwrap()).unwrap();
        assert_eq!(Seen::passed(&environment, &[]).severity("privileges"), "ok", "{up}");
        app.batch_execute(up).unwrap();
        assert_eq!(
            migrate_tests::wait::answer(&mut owner, granted),
            up.starts_with("GRANT").to_string(),
            "{up}"
        );
        owner.batch_execute("REVOKE ALL ON orders FROM app CASCADE").unwrap();
    }
    // A comment is its owner's to write.
    let up = "COMMENT ON COLUMN orders.id IS 'the number'";
    environment.migration("0002_work", &format!("{up};\n"), "SELECT 1;\n");
    app.batch_execute(up).unwrap_err();
    assert_eq!(Seen::failed(&environment, &[]).only("privileges", "failure")["data"]["privilege"], "OWNER");
    owner.batch_execute("ALTER TABLE orders OWNER TO app").unwrap();
    app.batch_execute(up).unwrap();
    assert_eq!(Seen::passed(&environment, &[]).severity("privileges"), "ok");
}
