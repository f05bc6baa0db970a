//! The text of each kind of object.

use super::support::Subject;
use crate::schema::{SchemaOptions, SchemaReader};

/// One of every kind that needs no files of its own.
pub const EVERYTHING: &str = include_str!("everything.sql");

#[test]
fn an_empty_database_has_the_schema_public() {
    let mut subject = Subject::new(SchemaOptions::portable());
    assert_eq!(subject.read().text(), "schema public\n");
}

#[test]
fn every_kind_of_object_is_said() {
    let mut subject = Subject::new(SchemaOptions::default());
    subject.run(EVERYTHING);
    insta::assert_snapshot!(subject.read().text());
}

#[test]
fn our_own_tables_are_left_out_by_their_exact_names() {
    let tables = "
        CREATE SCHEMA \"App\";
        CREATE TABLE \"App\".\"hist's\" (version text PRIMARY KEY);
        CREATE TABLE \"App\".\"hist's_log\" (id bigserial PRIMARY KEY);
        CREATE TABLE \"App\".\"hist's_log2\" (id int);
        CREATE TABLE \"hist's\" (id int);";
    let history = crate::HistoryTable { schema: "App".to_owned(), name: "hist's".to_owned() };
    let mut subject = Subject::new(SchemaOptions { history: Some(history), ..SchemaOptions::portable() });
    subject.run(tables);
    let headings: Vec<_> = subject.read().objects().map(|object| object.heading.clone()).collect();
    assert_eq!(
        headings,
        ["schema \"App\"", "schema public", "table \"App\".\"hist's_log2\"", "table public.\"hist's\""]
    );
    let all = subject.fresh(&SchemaOptions { history: None, ..SchemaOptions::portable() });
    assert_eq!(all.len(), headings.len() + 3, "{}", all.text());
}

#[test]
fn owners_and_grants_are_facts_that_can_be_left_out() {
    let mut subject = Subject::new(SchemaOptions::default());
    subject.run(EVERYTHING);
    let without = |owners: bool, grants: bool| {
        let mut schema: Vec<_> =
            subject.fresh(&SchemaOptions::default()).objects().map(|o| (**o).clone()).collect();
        for object in &mut schema {
            object.lines.retain(|line| {
                (grants || !line.starts_with("grant ")) && (owners || !line.starts_with("owner "))
            });
        }
        schema.retain(|object| grants || !object.heading.starts_with("default privileges"));
        schema.into_iter().collect::<migrate_core::Schema>()
    };
    for (owners, grants) in [(false, false), (true, false), (false, true)] {
        let options = SchemaOptions { owners, grants, ..SchemaOptions::default() };
        assert_eq!(subject.fresh(&options).text(), without(owners, grants).text());
    }
}

#[test]
fn the_settings_of_the_session_change_nothing_and_stay() {
    let mut subject = Subject::new(SchemaOptions::default());
    subject.run(EVERYTHING);
    let schema = subject.read();
    let odd = "SET search_path = shop, public; SET DateStyle = 'German'; SET IntervalStyle = sql_standard;
        SET TimeZone = 'Asia/Tokyo'; SET quote_all_identifiers = on; SET extra_float_digits = -3;
        SET bytea_output = escape; SET standard_conforming_strings = off; SET jit_above_cost = 0;
        CREATE ROLE nobody_here_$; SET ROLE nobody_here_$";
    // A role is the server's, not the database's: its name must be ours alone.
    let role = format!("role_{}", subject.database.name());
    let odd = odd.replace("nobody_here_$", &role);
    let settings = "SELECT name || '=' || setting FROM pg_catalog.pg_settings WHERE name NOT LIKE 'transaction%' ORDER BY 1";
    let Subject { runtime, session, reader, .. } = &mut subject;
    runtime.block_on(async {
        session.query(&odd).await.unwrap();
        let show = async || {
            let rows = session.query(settings).await.unwrap();
            rows.iter().map(|row| row.text(0)).collect::<Vec<_>>()
        };
        let before = show().await;
        assert_eq!(reader.read(session).await.unwrap().text(), schema.text());
        assert_eq!(show().await, before);
        session
            .query("BEGIN; SET LOCAL DateStyle = 'SQL'; CREATE TEMP TABLE pg_class (oid int)")
            .await
            .unwrap();
        let before = show().await;
        assert_eq!(reader.read_inside(session).await.unwrap().text(), schema.text());
        assert_eq!(show().await, before);
        session.query(&format!("ROLLBACK; RESET ROLE; DROP ROLE {role}")).await.unwrap();
    });
}

#[test]
fn somebody_who_may_only_connect_reads_the_same() {
    let mut subject = Subject::new(SchemaOptions::default());
    let role = format!("reader_{}", subject.database.name());
    subject.run(EVERYTHING);
    subject.run("DROP USER MAPPING FOR PUBLIC SERVER far");
    let schema = subject.read();
    subject.run(&format!("CREATE ROLE {role} LOGIN"));
    let config = subject.database.config().unwrap();
    let user = format!("://{}@", config.get_user().unwrap());
    let url = subject.database.url().replacen(&user, &format!("://{role}@"), 1);
    let session = subject.runtime.block_on(super::support::open(&url));
    let user = subject.runtime.block_on(session.query("SELECT session_user")).unwrap();
    assert_eq!(user.first().unwrap().text(0), role);
    let mut reader = SchemaReader::new(SchemaOptions::default());
    let read = subject.runtime.block_on(reader.read(&session)).unwrap();
    assert_eq!(read.text(), schema.text());
    subject.runtime.block_on(session.close());
    subject.run(&format!("DROP ROLE {role}"));
}

#[test]
fn the_password_of_a_subscription_is_masked() {
    let mut subject = Subject::new(SchemaOptions::default());
    for (connection, shown) in [
        ("host=nowhere password=geheim dbname=x", "host=nowhere password=*** dbname=x"),
        (r"host=x password = 'ge\'heim x' dbname=x", "host=x password = *** dbname=x"),
        (
            "postgresql://me:geheim@h/d?sslpassword=geheim&application_name=y",
            "postgresql://me:***@h/d?sslpassword=***&application_name=y",
        ),
        // What should have been encoded, and what libpq takes for another part of the connection.
        ("postgres://me:ge@heim@h/d", "postgres://me:***@h/d"),
        ("postgres://me:ge/heim@h/d", "postgres://me:***@h/d"),
        ("postgres://me:ge?heim@h/d", "postgres://me:***@h/d"),
        ("postgres://m?e:ge@heim@h:1,i:2/d", "postgres://m?e:***@h:1,i:2/d"),
        ("postgres://h/d?password=ge heim&user=me", "postgres://h/d?password=***&user=me"),
        ("postgres://h/d?p%61ssword=geheim", "postgres://h/d?p%61ssword=***"),
        ("postgres://h:5432/d", "postgres://h:5432/d"),
        (r"host=x password=ge\ heim&geheim dbname=x", "host=x password=*** dbname=x"),
    ] {
        let quoted = crate::history_table::quote_literal(connection);
        subject.run(&format!(
            "CREATE SUBSCRIPTION sub CONNECTION {quoted} PUBLICATION p WITH (connect = false, slot_name = NONE)"
        ));
        let text = subject.read().text();
        subject.run("DROP SUBSCRIPTION sub");
        assert!(text.contains(&format!("\n    connection '{shown}'\n")), "{text}");
        assert!(!text.contains("heim"), "{text}");
    }
}

#[test]
fn what_somebody_granted_on_an_extension_is_said_and_nothing_else_of_it() {
    let mut subject = Subject::new(SchemaOptions::default());
    subject.run("CREATE EXTENSION pgcrypto");
    let before = subject.read();
    subject.run(
        "REVOKE EXECUTE ON FUNCTION armor(bytea) FROM PUBLIC;
         GRANT SELECT ON pg_catalog.pg_authid TO pg_monitor;
         COMMENT ON FUNCTION armor(bytea) IS 'not dumped'",
    );
    assert_eq!(
        before.diff(&subject.read()).text(),
        "+ function public.armor(bytea)\n+     grant execute to public (revoked)\n\
         + table pg_catalog.pg_authid\n+     grant select to pg_monitor\n"
    );
    let portable = subject.fresh(&SchemaOptions::portable());
    assert_eq!(portable.len(), 2, "{}", portable.text());
    // The same with a table of an extension's: only what somebody added to it.
    subject.run("CREATE TABLE mine (a int); ALTER EXTENSION pgcrypto ADD TABLE mine");
    let before = subject.read();
    assert!(before.get("table public.mine").is_none());
    subject.run("ALTER TABLE mine ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON mine USING (a > 0); CREATE INDEX ON mine (a)");
    assert_eq!(
        before.diff(&subject.read()).text(),
        "+ table public.mine\n+     policy p permissive to public using ((a > 0))\n+     row level security\n"
    );
}

#[test]
fn after_a_change_only_what_it_touched_is_read_again() {
    let mut subject = Subject::new(SchemaOptions::default());
    for number in 0..200 {
        subject.run(&format!("CREATE TABLE t{number} (id int PRIMARY KEY, a text)"));
    }
    let before = subject.read();
    let same = |one: &migrate_core::Schema, other: &migrate_core::Schema| {
        one.objects()
            .filter(|object| other.get(&object.heading).is_some_and(|o| std::sync::Arc::ptr_eq(o, object)))
            .count()
    };
    assert_eq!(same(&before, &subject.read()), before.len());
    subject.run("ALTER TABLE t7 ADD COLUMN b int; COMMENT ON COLUMN t9.a IS 'x'; DROP TABLE t11");
    let after = subject.read();
    assert_eq!(same(&before, &after), before.len() - 3);
    assert_eq!(
        before.diff(&after).text(),
        "- table public.t11\n-     column id integer not null\n-     column a text\n\
         -     constraint t11_pkey PRIMARY KEY (id)\n-     owner postgres\n\
         \u{20} table public.t7\n+     column b integer\n  table public.t9\n+     comment on a 'x'\n"
    );
}

#[test]
fn a_session_that_forgot_what_it_kept_is_asked_anew() {
    let mut subject = Subject::new(SchemaOptions::default());
    subject.reader = SchemaReader::new(SchemaOptions::default()).prepared();
    let kept = "SELECT count(*) FROM pg_prepared_statements";
    for (number, forget) in ["SELECT 1", "DEALLOCATE ALL", "DISCARD ALL", "SELECT 1"].into_iter().enumerate()
    {
        subject.run(&format!("CREATE TABLE t{number} (id int PRIMARY KEY, a text)"));
        assert_eq!(subject.read().len(), number + 2);
        let rows = subject.runtime.block_on(subject.session.query(kept)).unwrap();
        assert_eq!(rows.first().unwrap().text(0), "2", "{number}");
        subject.runtime.block_on(subject.session.query(forget)).unwrap();
    }
    // The same with another session.
    subject.session = subject.runtime.block_on(super::support::open(subject.database.url()));
    subject.run("CREATE TABLE t4 (id int)");
    assert_eq!(subject.read().len(), 6);
}

#[test]
fn a_failed_read_leaves_no_transaction_and_the_next_one_works() {
    let mut subject = Subject::new(SchemaOptions::default());
    let schema = subject.read();
    let Subject { runtime, session, reader, .. } = &mut subject;
    runtime.block_on(async {
        session.query("SET statement_timeout = 1").await.unwrap();
        // The settings of a role that connects are its own business: a time limit is one.
        let mut failed = false;
        for _ in 0..20 {
            failed |= SchemaReader::new(SchemaOptions::default()).read(session).await.is_err();
        }
        assert!(failed, "no read took longer than a millisecond");
        session.query("RESET statement_timeout").await.unwrap();
        assert_eq!(reader.read(session).await.unwrap(), schema);
    });
}

/// What differs between versions is in docs/schema-snapshot.md; the rest of one of every kind does not.
#[test]
fn one_of_every_kind_is_the_same_text_on_every_version() {
    if std::env::var_os("MIGRATE_TEST_NIGHTLY").is_none() {
        return;
    }
    let texts = [14, 15, 16, 17, 18].map(|major| {
        let binaries = migrate_testing::Binaries::find(Some(major)).unwrap();
        let settings = migrate_testing::ScratchSettings { binaries: Some(binaries), ..Default::default() };
        let server = migrate_testing::ScratchServer::start(settings).unwrap();
        let mut subject = Subject::on(server.database().unwrap(), SchemaOptions::portable());
        subject.run(EVERYTHING);
        subject.read()
    });
    for (text, major) in texts.iter().zip([14, 15, 16, 17, 18]) {
        // Since 16 a view of one relation has its columns without its name.
        let unqualified = |schema: &migrate_core::Schema| {
            schema.text().replace("sum(orders.total)", "sum(total)").replace("orders.", "")
        };
        assert_eq!(unqualified(text), unqualified(&texts[1]), "version {major}");
    }
}
