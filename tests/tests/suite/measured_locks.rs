//! Measured locks, rewrites and scans are those of PostgreSQL's manual, statement by statement (issue B).

use std::fmt::Write as _;

use migrate_runtime::core::{Direction, Script};
use migrate_runtime::rehearsal::{LockMode, MeasuredStatement, Rehearsal, Relation};
use migrate_runtime::schema::SchemaOptions;
use migrate_testing::{Binaries, ScratchDatabase, ScratchServer, ScratchSettings};
use migrate_tests::forms::{ALONE, ALTER_TABLE, Form, OTHERS, SETUP};
use migrate_tests::migrations::{database, good};

const CLEAR: &str = "DROP SCHEMA IF EXISTS form CASCADE";

/// What a form came to, or ought to, in lines that can be compared.
fn told(locks: impl Iterator<Item = (String, LockMode)>, others: [(&str, Vec<String>); 3]) -> String {
    let mut locks: Vec<_> = locks.map(|(table, mode)| format!("{table} {}", mode.name())).collect();
    locks.sort();
    let mut text = format!("locks {}", locks.join(", "));
    for (what, mut names) in others {
        if !names.is_empty() {
            names.sort();
            let _ = write!(text, "; {what} {}", names.join(", "));
        }
    }
    text
}

fn expected(form: &Form) -> String {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    told(
        form.locks.iter().map(|(table, mode)| ((*table).to_owned(), *mode)),
        [("rewrites", names(form.rewrites)), ("scans", names(form.scans)), ("builds", names(form.builds))],
    )
}

fn bare(relation: &Relation) -> String {
    relation.name.strip_prefix("form.").unwrap_or(&relation.name).to_owned()
}

fn measured(form: &Form, statement: &MeasuredStatement) -> String {
    let names = |relations: &[Relation]| -> Vec<_> { relations.iter().map(bare).collect() };
    let mut scanned = names(&statement.scanned);
    scanned.retain(|table| !form.may_scan.contains(&table.as_str()));
    told(
        statement.locks.iter().map(|lock| (bare(&lock.table), lock.mode)),
        [("rewrites", names(&statement.rewritten)), ("scans", scanned), ("builds", names(&statement.built))],
    )
}

/// One form after the other on one database, each on tables of its own.
fn check(scratch: &ScratchDatabase, forms: &[Form]) {
    let mut rehearsal = good(Rehearsal::connect(&database(scratch.url()), SchemaOptions::default()));
    let major: u32 = rehearsal.server_version().split('.').next().unwrap().parse().unwrap();
    let script = |text: &str| {
        Script::parse("0001_a.up.sql", text.to_owned()).unwrap_or_else(|error| panic!("{text}: {error}"))
    };
    let mut differences = String::new();
    for form in forms.iter().filter(|form| (form.since..=form.until).contains(&major)) {
        let path = "SET search_path = form, public;\n";
        let setup = format!("{CLEAR}; CREATE SCHEMA form; {path}{SETUP}{}", form.before);
        good(rehearsal.run(&script(&setup), "0001_setup", Direction::Up));
        let settings = if form.before.starts_with("SET ") { form.before } else { "SELECT 1" };
        let text = format!("{path}{settings};\n{}", form.sql);
        match rehearsal.apply(&script(&text), "0002_form", Direction::Up) {
            Ok(done) => {
                let (measured, expected) = (measured(form, &done.statements[2]), expected(form));
                if measured != expected {
                    let _ = writeln!(differences, "{}\n  is   {measured}\n  told {expected}", form.sql);
                }
            }
            Err(error) => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                let _ = writeln!(differences, "{}\n  {error} {source:?}", form.sql);
            }
        }
    }
    assert!(differences.is_empty(), "PostgreSQL {major}:\n{differences}");
}

#[test]
fn alter_table_locks_as_the_manual_says() {
    check(&migrate_testing::scratch().unwrap(), ALTER_TABLE);
}

#[test]
fn other_statements_lock_as_the_manual_says() {
    check(&migrate_testing::scratch().unwrap(), OTHERS);
}

#[test]
fn statements_without_a_transaction_lock_as_the_manual_says() {
    check(&migrate_testing::scratch().unwrap(), ALONE);
}

#[test]
fn other_versions_lock_as_the_manual_says() {
    migrate_tests::nightly!();
    for major in [14, 15, 16, 17, 18] {
        let binaries = Some(Binaries::find(Some(major)).unwrap());
        let server =
            ScratchServer::start(ScratchSettings { binaries, ..ScratchSettings::default() }).unwrap();
        for forms in [ALTER_TABLE, OTHERS, ALONE] {
            check(&server.database().unwrap(), forms);
        }
    }
}
