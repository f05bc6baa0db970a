//! The planner, case by case.

use super::*;
use crate::testing::{migration, row, set};

const STRICT: Policy = Policy { allow_out_of_order: false, newer: Newer::Warn };

fn dirty(stem: &str) -> Row {
    Row { dirty: true, ..row(stem) }
}

fn edited(stem: &str) -> Row {
    Row { checksum: Some("0".repeat(64)), ..row(stem) }
}

fn recorded_as(version: &str, stem: &str) -> Row {
    Row { version: version.to_owned(), ..row(stem) }
}

/// The steps in short: `+` forward, `-` back, `~` recovery.
fn short(plan: &Plan) -> Vec<String> {
    let sign = |step: &Step| match step.direction {
        Direction::Up if step.is_recovery() => '~',
        Direction::Up => '+',
        Direction::Down => '-',
    };
    plan.steps.iter().map(|step| format!("{}{}", sign(step), step.stem)).collect()
}

fn steps(set: &Set, rows: &[Row], goal: Goal) -> Vec<String> {
    short(&plan(set, rows, goal, &STRICT).unwrap())
}

fn refused(set: &Set, rows: &[Row], goal: Goal) -> Refusal {
    plan(set, rows, goal, &STRICT).expect_err("the history does not fit")
}

const EVERY_GOAL: [Goal; 7] = [
    Goal::UpAll,
    Goal::UpSteps(1),
    Goal::UpTo(Version::new(2)),
    Goal::DownSteps(1),
    Goal::DownTo(Version::new(1)),
    Goal::DownAll,
    Goal::Redo(1),
];

#[test]
fn each_goal_on_a_clean_history() {
    let set = set(&["0001_a", "0002_b", "0003_c", "0004_d"]);
    let rows = [row("0002_b"), row("0001_a")];
    let to = Version::new;
    let cases: [(Goal, &[&str]); 14] = [
        (Goal::UpAll, &["+0003_c", "+0004_d"]),
        (Goal::UpSteps(0), &[]),
        (Goal::UpSteps(1), &["+0003_c"]),
        (Goal::UpSteps(9), &["+0003_c", "+0004_d"]),
        (Goal::UpTo(to(3)), &["+0003_c"]),
        (Goal::UpTo(to(1)), &[]),
        (Goal::DownSteps(1), &["-0002_b"]),
        (Goal::DownSteps(9), &["-0002_b", "-0001_a"]),
        (Goal::DownTo(to(1)), &["-0002_b"]),
        (Goal::DownTo(to(4)), &[]),
        (Goal::DownTo(to(0)), &["-0002_b", "-0001_a"]),
        (Goal::DownAll, &["-0002_b", "-0001_a"]),
        (Goal::Redo(1), &["-0002_b", "+0002_b"]),
        (Goal::Redo(2), &["-0002_b", "-0001_a", "+0001_a", "+0002_b"]),
    ];
    for (goal, expected) in cases {
        assert_eq!(steps(&set, &rows, goal), expected, "{goal:?}");
    }
}

#[test]
fn nothing_to_do() {
    let set = set(&["0001_a"]);
    assert_eq!(plan(&set, &[row("0001_a")], Goal::UpAll, &STRICT), Ok(Plan::default()));
    assert_eq!(plan(&set, &[], Goal::DownAll, &STRICT), Ok(Plan::default()));
    assert_eq!(plan(&set, &[], Goal::Redo(3), &STRICT), Ok(Plan::default()));
}

#[test]
fn version_zero_is_a_migration_where_there_is_one() {
    let set = set(&["0000_setup", "0001_a"]);
    let rows = [row("0000_setup"), row("0001_a")];
    assert_eq!(steps(&set, &rows, Goal::DownTo(Version::new(0))), ["-0001_a"]);
    assert_eq!(steps(&set, &rows, Goal::DownAll), ["-0001_a", "-0000_setup"]);
}

#[test]
fn modified_files_are_named_with_both_checksums() {
    let set = set(&["0001_a", "0002_b", "0003_c"]);
    let rows = [edited("0001_a"), row("0002_b"), edited("0003_c")];
    let Refusal::Modified { migrations } = refused(&set, &rows, Goal::UpAll) else {
        panic!("another refusal")
    };
    let stems: Vec<_> = migrations.iter().map(|m| m.stem.as_str()).collect();
    assert_eq!(stems, ["0001_a", "0003_c"]);
    assert_eq!(migrations[0].recorded, "0".repeat(64));
    assert_eq!(migrations[0].found, migration("0001_a").up.checksum.to_string());
    let message = Refusal::Modified { migrations: migrations.clone() }.to_string();
    assert!(message.contains(&"0".repeat(64)) && message.contains(&migrations[0].found), "{message}");
}

#[test]
fn redo_is_for_what_was_edited() {
    let set = set(&["0001_a", "0002_b"]);
    assert_eq!(steps(&set, &[row("0001_a"), edited("0002_b")], Goal::Redo(1)), ["-0002_b", "+0002_b"]);
    assert!(matches!(
        refused(&set, &[edited("0001_a"), row("0002_b")], Goal::Redo(1)),
        Refusal::Modified { .. }
    ));
}

#[test]
fn back_takes_what_was_edited_and_says_so() {
    let set = set(&["0001_a", "0002_b"]);
    let plan = plan(&set, &[edited("0001_a"), edited("0002_b")], Goal::DownSteps(1), &STRICT).unwrap();
    assert_eq!(short(&plan), ["-0002_b"]);
    assert_eq!(plan.warnings, [Warning::Modified { migrations: vec!["0002_b".to_owned()] }]);
}

#[test]
fn renamed() {
    let set = set(&["0001_a", "0002_b"]);
    let same = [row("0001_a"), recorded_as("0002_old", "0002_b")];
    assert_eq!(
        refused(&set, &same, Goal::UpAll),
        Refusal::Renamed {
            version: Version::new(2),
            recorded: "0002_old".to_owned(),
            found: "0002_b".to_owned(),
            same_text: true,
        }
    );
    let other = [row("0001_a"), row("0002_old")];
    assert!(matches!(refused(&set, &other, Goal::UpAll), Refusal::Renamed { same_text: false, .. }));

    // Back under the recorded name; forward under the new one.
    for (rows, carried) in [(same, true), (other, false)] {
        let redo = plan(&set, &rows, Goal::Redo(1), &STRICT).unwrap();
        assert_eq!(short(&redo), ["-0002_old", "+0002_b"]);
        assert_eq!(redo.steps[0].migration.is_some(), carried);
        assert!(redo.steps[1].migration.is_some());
    }
}

#[test]
fn missing_is_refused_forward_and_rolled_back_from_the_record() {
    let set = set(&["0001_a", "0003_c"]);
    let rows = [row("0001_a"), row("0002_b")];
    assert_eq!(refused(&set, &rows, Goal::UpAll), Refusal::Missing { versions: vec!["0002_b".to_owned()] });
    let back = plan(&set, &rows, Goal::DownSteps(1), &STRICT).unwrap();
    assert_eq!(short(&back), ["-0002_b"]);
    assert_eq!(back.steps[0].migration, None);
    assert_eq!(back.steps[0].row, Some(row("0002_b")));
    assert_eq!(
        refused(&set, &rows, Goal::Redo(1)),
        Refusal::RedoUnknown { versions: vec!["0002_b".to_owned()] }
    );
}

#[test]
fn newer_by_policy() {
    let set = set(&["0001_a"]);
    let rows = [row("0003_c"), row("0001_a"), row("0002_b")];
    let versions = vec!["0002_b".to_owned(), "0003_c".to_owned()];
    let with = |newer| plan(&set, &rows, Goal::UpAll, &Policy { newer, ..STRICT });
    assert_eq!(with(Newer::Ok), Ok(Plan::default()));
    assert_eq!(with(Newer::Warn).unwrap().warnings, [Warning::Newer { versions: versions.clone() }]);
    assert_eq!(with(Newer::Refuse), Err(Refusal::Newer { versions }));
}

#[test]
fn a_newer_one_that_is_partly_applied_is_nothing_to_run_over() {
    let set = set(&["0001_a"]);
    let rows = [row("0001_a"), dirty("0002_b")];
    assert_eq!(
        refused(&set, &rows, Goal::UpAll),
        Refusal::DirtyUnknown { versions: vec!["0002_b".to_owned()] }
    );
    assert_eq!(steps(&set, &rows, Goal::DownSteps(1)), ["-0002_b"]);
}

#[test]
fn out_of_order_by_policy() {
    let set = set(&["0001_a", "0002_b", "0003_c", "0004_d"]);
    let rows = [row("0001_a"), row("0003_c")];
    let refusal = refused(&set, &rows, Goal::UpAll);
    assert_eq!(
        refusal,
        Refusal::OutOfOrder { pending: vec!["0002_b".to_owned()], newest: "0003_c".to_owned() }
    );
    assert!(refusal.hint().contains("--allow-out-of-order"));
    let allowed = plan(&set, &rows, Goal::UpAll, &Policy { allow_out_of_order: true, ..STRICT }).unwrap();
    assert_eq!(short(&allowed), ["+0002_b", "+0004_d"]);
    assert_eq!(allowed.warnings, [Warning::OutOfOrder { pending: vec!["0002_b".to_owned()] }]);
    // What a goal does not touch does not matter to it.
    assert_eq!(steps(&set, &rows, Goal::UpTo(Version::new(1))), [""; 0]);
    assert_eq!(steps(&set, &rows, Goal::Redo(1)), ["-0003_c", "+0003_c"]);
}

#[test]
fn dirty_ones_are_recovered_before_anything_goes_forward() {
    let set = set(&["0001_a", "0002_b", "0003_c"]);
    let rows = [row("0001_a"), dirty("0002_b")];
    let cases: [(Goal, &[&str]); 6] = [
        (Goal::UpAll, &["~0002_b", "+0003_c"]),
        (Goal::UpSteps(1), &["~0002_b", "+0003_c"]),
        (Goal::UpTo(Version::new(2)), &["~0002_b"]),
        (Goal::DownSteps(1), &["-0002_b"]),
        (Goal::Redo(1), &["-0002_b", "+0002_b"]),
        (Goal::DownAll, &["-0002_b", "-0001_a"]),
    ];
    for (goal, expected) in cases {
        assert_eq!(steps(&set, &rows, goal), expected, "{goal:?}");
    }
    assert_eq!(
        steps(&set, &[dirty("0001_a"), row("0002_b")], Goal::Redo(1)),
        ["~0001_a", "-0002_b", "+0002_b"]
    );
    // The usual way out of a failure is to edit the file: recovery compares the statements, not the planner.
    let mended = Row { dirty: true, ..edited("0002_b") };
    let recovery = plan(&set, &[row("0001_a"), mended.clone()], Goal::UpSteps(0), &STRICT).unwrap();
    assert_eq!(recovery.steps[0].row, Some(mended));
    assert!(recovery.steps[0].is_recovery());
}

#[test]
fn a_tampered_history_is_refused_whatever_the_goal() {
    let set = set(&["0001_a", "0002_b"]);
    let bad = |rows: &[Row], expected: Refusal| {
        for goal in EVERY_GOAL {
            assert_eq!(refused(&set, rows, goal), expected, "{goal:?}");
        }
    };
    for checksum in [None, Some("abc".to_owned())] {
        let tampered = Row { checksum: checksum.clone(), ..row("0001_a") };
        bad(&[tampered], Refusal::BadChecksum { version: "0001_a".to_owned(), recorded: checksum });
    }
    bad(&[recorded_as("x\u{1b}", "0001_a")], Refusal::BadVersion { versions: vec!["x\u{1b}".to_owned()] });
    bad(
        &[row("0001_a"), recorded_as("1", "0001_a")],
        Refusal::DuplicateRecorded {
            version: Version::new(1),
            recorded: vec!["0001_a".to_owned(), "1".to_owned()],
        },
    );
}

#[test]
fn adopted_rows_are_rolled_back_under_the_name_of_the_file() {
    let set = set(&["0001_a", "0002_b"]);
    let rows = [recorded_as("1", "0001_a"), recorded_as("2", "0002_b")];
    let back = plan(&set, &rows, Goal::DownSteps(1), &STRICT).unwrap();
    assert_eq!(short(&back), ["-0002_b"]);
    assert_eq!(back.steps[0].row.as_ref().map(|row| row.version.as_str()), Some("2"));
}

#[test]
fn an_unknown_target_comes_with_the_nearest() {
    let set = set(&["0010_a", "0020_b"]);
    let unknown = |number, nearest: &str| {
        let expected =
            Refusal::UnknownTarget { target: Version::new(number), nearest: Some(nearest.to_owned()) };
        assert_eq!(refused(&set, &[row("0010_a")], Goal::UpTo(Version::new(number))), expected);
        assert_eq!(refused(&set, &[row("0010_a")], Goal::DownTo(Version::new(number))), expected);
    };
    unknown(11, "0010_a");
    unknown(200, "0020_b");
    let nothing = refused(&crate::testing::set(&[]), &[], Goal::UpTo(Version::new(1)));
    assert_eq!(nothing, Refusal::UnknownTarget { target: Version::new(1), nearest: None });
    // What is recorded is known too.
    assert_eq!(
        steps(&set, &[row("0010_a"), row("0020_b"), row("0030_c")], Goal::UpTo(Version::new(30))),
        [""; 0]
    );
}

#[test]
fn what_has_no_down_is_refused_before_anything_runs() {
    let mut one_way = migration("0002_b");
    one_way.down = None;
    one_way.up.directives.irreversible = Some("drops a column".into());
    let mut vanished = migration("0003_c");
    vanished.down = None;
    let set = Set::new("migrations", vec![migration("0001_a"), one_way, vanished]);
    let rows = [row("0001_a"), row("0002_b"), row("0003_c"), row("0009_newer")];
    let back = plan(&set, &rows, Goal::DownAll, &STRICT).unwrap();
    let no_down = |stem: &str, reason: Option<&str>| NoDown {
        stem: stem.to_owned(),
        irreversible: reason.map(str::to_owned),
    };
    assert_eq!(
        back.check_reversible(|_| false),
        Err(Refusal::NoDown {
            migrations: vec![
                no_down("0009_newer", None),
                no_down("0003_c", None),
                no_down("0002_b", Some("drops a column")),
            ]
        })
    );
    assert_eq!(back.check_reversible(|_| true), Ok(()));
    assert_eq!(
        back.check_reversible(|row| row.version != "0002_b"),
        Err(Refusal::NoDown { migrations: vec![no_down("0002_b", Some("drops a column"))] })
    );
}

#[test]
fn every_refusal_has_a_hint_and_a_message_in_our_form() {
    let names = || vec!["0001_a".to_owned(), "0002_b".to_owned()];
    let modified = |cosmetic| Modified {
        stem: "0001_a".to_owned(),
        recorded: "1".to_owned(),
        found: "2".to_owned(),
        cosmetic,
    };
    let version = Version::new(1);
    let renamed =
        |same_text| Refusal::Renamed { version, recorded: "1_a".into(), found: "1_b".into(), same_text };
    let all = [
        Refusal::UnknownTarget { target: version, nearest: None },
        Refusal::UnknownTarget { target: version, nearest: Some("0002_b".to_owned()) },
        Refusal::BadVersion { versions: names() },
        Refusal::DuplicateRecorded { version, recorded: names() },
        Refusal::BadChecksum { version: "0001_a".to_owned(), recorded: None },
        Refusal::Modified { migrations: vec![modified(None)] },
        Refusal::Modified { migrations: vec![modified(Some(true))] },
        renamed(true),
        renamed(false),
        Refusal::Missing { versions: names() },
        Refusal::Newer { versions: names() },
        Refusal::DirtyUnknown { versions: names() },
        Refusal::OutOfOrder { pending: names(), newest: "0009_z".to_owned() },
        Refusal::RedoUnknown { versions: names() },
        Refusal::NoDown { migrations: vec![NoDown { stem: "0001_a".to_owned(), irreversible: None }] },
    ];
    for refusal in all {
        let message = refusal.to_string();
        assert!(!refusal.hint().is_empty(), "{refusal:?}");
        assert!(!message.ends_with('.') && !message.starts_with(char::is_uppercase), "{message}");
    }
}

#[test]
fn timestamps_of_different_length_are_told() {
    let mixed = set(&["20240101120000_b", "20250625_a"]);
    let warnings = plan(&mixed, &[], Goal::UpAll, &STRICT).unwrap().warnings;
    let told = Warning::MixedWidths { first: "20250625_a".to_owned(), second: "20240101120000_b".to_owned() };
    assert_eq!(warnings, [told]);
    for quiet in [set(&["9999_a", "10000_b"]), set(&["20240101120000_a", "20250625000000_b"])] {
        assert_eq!(plan(&quiet, &[], Goal::UpAll, &STRICT).unwrap().warnings, []);
    }
    let applied = [row("20250625_a"), row("20240101120000_b")];
    assert_eq!(plan(&mixed, &applied, Goal::UpAll, &STRICT).unwrap().warnings, []);
}
