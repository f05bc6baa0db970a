//! The lock's text, its differences from a set, and what git makes of it.

use std::fs;
use std::process::{Command, Output};

use super::*;
use crate::testing::{migration, set};

#[test]
fn renders_and_parses() {
    let lock = Lock::of(&set(&["0001_a", "0002_b"]));
    let files: Vec<_> = lock.entries.iter().map(|entry| entry.file.as_str()).collect();
    assert_eq!(files, ["0001_a.up.sql", "0001_a.down.sql", "0002_b.up.sql", "0002_b.down.sql"]);
    let text = lock.render();
    assert_eq!(text::lines(&text).count(), 6);
    assert_eq!(Lock::parse(&text), Ok(lock.clone()));
    assert_eq!(Lock::parse(&text.replace('\n', "\r\n")), Ok(lock));
    let empty = Lock::of(&set(&[]));
    assert_eq!(Lock::parse(&empty.render()), Ok(empty));
}

/// The format is a contract: other tools may read it, and a change of it needs a new number.
#[test]
fn the_text_is_format_1() {
    insta::assert_snapshot!(Lock::of(&set(&["0001_a"])).render(), @"
    # migrations.lock, format 1: written by `cargo migrate lock`, to be committed and not to be edited
    23698780c129e5903acf71be60a1e83885a84e8654770675f072cab71a69dcf7  0001_a.up.sql
    2c389577c6b72ee3e862b098048ef6a133783cfc6353a232563aae089c74b24c  0001_a.down.sql
    # digest ac3de56bf7d53e55060a3b66446ecb2288670acf4258046fc7f9781fd2c0a952
    ");
}

/// A set whose newest migration has a check.
fn checked(query: &str) -> Set {
    let mut migrations = vec![migration("0001_a"), migration("0002_b")];
    let check = crate::CheckScript::parse("0002_b.check.sql", query.to_owned()).unwrap();
    migrations[1].check = Some(check);
    Set::new("migrations", migrations)
}

#[test]
fn with_checks_the_text_is_format_3() {
    let lock = Lock::of(&checked("SELECT 1;\n"));
    let text = lock.render();
    insta::assert_snapshot!(text, @"
    # migrations.lock, format 3: written by `cargo migrate lock`, to be committed and not to be edited
    23698780c129e5903acf71be60a1e83885a84e8654770675f072cab71a69dcf7  0001_a.up.sql
    2c389577c6b72ee3e862b098048ef6a133783cfc6353a232563aae089c74b24c  0001_a.down.sql
    1d2579e78aba435d8181af0f77cd3c06b57ea4ef27e7ed063cb4a6941edc702a  0002_b.up.sql
    61a78ac33957e37e18622ba9cedec7f36995bc50bc22cf032f93baeedf008b62  0002_b.down.sql
    b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd  0002_b.check.sql
    # digest 4eab6841b629f82071af831b3d1cf3f1821bc8b41ef49fa374fb37a24a367e47
    ");
    assert_eq!(Lock::parse(&text), Ok(lock.clone()));
    assert_eq!(lock.compare(&checked("SELECT 1;\n")), []);
    let told = |lock: &Lock, set: &Set| -> Vec<String> {
        lock.compare(set).iter().map(|difference| difference.to_string()).collect()
    };
    let edited = told(&lock, &checked("SELECT 2;\n"));
    assert!(edited.len() == 1 && edited[0].starts_with("0002_b.check.sql was edited: "), "{edited:?}");
    let without = set(&["0001_a", "0002_b"]);
    assert_eq!(told(&lock, &without), ["0002_b.check.sql is in migrations.lock but not in the folder"]);
    // The lock of a folder that had no checks yet is as it always was.
    let before = Lock::parse(&Lock::of(&without).render()).unwrap();
    assert_eq!(before.compare(&without), []);
    assert_eq!(told(&before, &checked("SELECT 1;\n")), ["0002_b.check.sql is not in migrations.lock"]);
    assert_eq!(checked("SELECT 1;\n").digest, without.digest);
}

/// A set of which every up has a recorded change.
fn recorded(stems: &[&str]) -> Set {
    let mut migrations: Vec<_> = stems.iter().map(|stem| migration(stem)).collect();
    for migration in &mut migrations {
        migration.up.change = Some(Checksum::of(&migration.stem));
    }
    Set::new("migrations", migrations)
}

fn write_files(folder: &Path, set: &Set) {
    for script in set.scripts() {
        fs::write(folder.join(&*script.file), script.text.as_bytes()).unwrap();
    }
}

fn changes(folder: &Path) -> Vec<Option<Checksum>> {
    let set = crate::folder::read(folder, &crate::folder::Options::new(folder)).unwrap();
    set.migrations.iter().map(|migration| migration.up.change).collect()
}

#[test]
fn with_changes_the_text_is_format_2() {
    let lock = Lock::of(&recorded(&["0001_a"]));
    let text = lock.render();
    insta::assert_snapshot!(text, @"
    # migrations.lock, format 2: written by `cargo migrate lock`, to be committed and not to be edited
    23698780c129e5903acf71be60a1e83885a84e8654770675f072cab71a69dcf7  0001_a.up.sql
    #   change 9d74bae55d0affd6b41c672abbbc3eabaaf36c7f9827b293e6edc16eeac07b61  0001_a.up.sql
    2c389577c6b72ee3e862b098048ef6a133783cfc6353a232563aae089c74b24c  0001_a.down.sql
    # digest 2080f7ffb29a80a86a2417c9501886a477af31490fead5028b63dab2d903718e
    ");
    assert_eq!(Lock::parse(&text), Ok(lock.clone()));
    assert_eq!(Lock::parse(&text.replace('\n', "\r\n")), Ok(lock.clone()));
    // Whether a change is recorded makes no difference between lock and folder: a lock without is not outdated.
    assert_eq!(lock.compare(&set(&["0001_a"])), []);
    assert_eq!(Lock::of(&set(&["0001_a"])).compare(&recorded(&["0001_a"])), []);
    let other = text.replace(&Checksum::of("0001_a").to_string(), &Checksum::of("x").to_string());
    let differences = Lock::parse(&other).unwrap().compare(&set(&["0001_a"]));
    assert!(matches!(differences[..], [Difference::WrongDigest { .. }]), "{differences:?}");
    let change = text::lines(&text).nth(2).unwrap();
    for (text, line) in [
        (text.replace(&format!("{change}\n"), &format!("{change}\n{change}\n")), 4),
        (text.replace(change, &change.replace("0001_a.up", "0001_a.down")), 3),
        (text.replace(change, &change.replace("#   change", "#  change")), 3),
        (text.replace(change, &change[..40]), 3),
    ] {
        assert_eq!(Lock::parse(&text).unwrap_err().line, line, "{text}");
    }
}

#[test]
fn a_change_is_kept_as_long_as_its_file_is_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let all = recorded(&["0001_a", "0002_b"]);
    write_files(folder.path(), &all);
    assert_eq!(changes(folder.path()), [None, None]);
    Lock::of(&all).write(folder.path()).unwrap();
    let (a, b) = (Some(Checksum::of("0001_a")), Some(Checksum::of("0002_b")));
    assert_eq!(changes(folder.path()), [a, b]);

    // What a verb does that keeps the lock current, after a file was added and one was edited.
    let keep = || {
        let set = crate::folder::read(folder.path(), &crate::folder::Options::new(folder.path())).unwrap();
        Lock::of(&set).write(folder.path()).unwrap()
    };
    write_files(folder.path(), &set(&["0003_c"]));
    assert!(keep());
    assert_eq!(changes(folder.path()), [a, b, None]);
    let first = folder.path().join("0001_a.up.sql");
    fs::write(&first, "create table other ();\n").unwrap();
    assert_eq!(changes(folder.path()), [None, b, None]);
    assert!(keep());
    // Nor does it come back with the old text: nobody measured it since.
    fs::write(&first, migration("0001_a").up.text.as_bytes()).unwrap();
    assert!(keep());
    assert_eq!(changes(folder.path()), [None, b, None]);

    // A lock that was edited by hand vouches for nothing.
    let path = folder.path().join(FILE_NAME);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(&b.unwrap().to_string(), &a.unwrap().to_string())).unwrap();
    assert_eq!(changes(folder.path()), [None, None, None]);
}

#[test]
fn git_conflicts_leave_the_changes_that_both_sides_have() {
    let folder = tempfile::tempdir().unwrap();
    let all = recorded(&["0001_a", "0002_b", "0003_c"]);
    write_files(folder.path(), &all);
    let text = Lock::of(&all).render();
    let line = |number: usize| format!("{}\n", text::lines(&text).nth(number).unwrap());
    let b = Checksum::of("0002_b").to_string();
    let other = line(5).replace(&b, &Checksum::of("x").to_string());
    let conflict = format!(
        "{}<<<<<<< ours\n{}{}{}=======\n{}{}{}>>>>>>> theirs\n{}",
        [line(0), line(1), line(2), line(3)].concat(),
        line(4),
        line(5),
        line(6),
        line(4),
        other,
        line(6),
        [line(7), line(8), line(9), line(10)].concat()
    );
    fs::write(folder.path().join(FILE_NAME), &conflict).unwrap();
    let kept = [Some(Checksum::of("0001_a")), None, Some(Checksum::of("0003_c"))];
    assert_eq!(changes(folder.path()), kept, "{conflict}");
}

#[test]
fn the_digest_depends_on_every_line_and_their_order() {
    let lock = Lock::of(&set(&["0001_a", "0002_b"]));
    let mut seen = vec![lock.digest];
    for index in 0..lock.entries.len() {
        let mut entries = lock.entries.clone();
        entries.remove(index);
        seen.push(Lock::chain(&entries));
        let mut entries = lock.entries.clone();
        entries.swap(0, index);
        if index > 0 {
            seen.push(Lock::chain(&entries));
        }
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count);
}

#[test]
fn tells_the_line_that_is_wrong() {
    let good = Lock::of(&set(&["0001_a"])).render();
    let first = text::lines(&good).nth(1).unwrap();
    let digest = text::lines(&good).nth(3).unwrap();
    let cases = [
        (String::new(), 1, ParseError::Header),
        ("hello\n".to_owned(), 1, ParseError::Header),
        (good.replace("format 1", "format 4"), 1, ParseError::Format { found: 4 }),
        (good.replace(first, "hello"), 2, ParseError::Entry),
        (good.replace(first, ""), 2, ParseError::Entry),
        (good.replace(first, &first.replace("  ", " ")), 2, ParseError::Entry),
        (good.replace(first, &first.replace("0001_a.up.sql", "README.md")), 2, ParseError::Entry),
        (
            good.replace(first, &format!("{first}\n{first}")),
            3,
            ParseError::Twice { file: "0001_a.up.sql".to_owned() },
        ),
        (good.replace(digest, "# digest 12"), 4, ParseError::Digest),
        (good.replace(digest, ""), 4, ParseError::Entry),
        (good.replace(&format!("{digest}\n"), ""), 4, ParseError::NoDigest),
        (format!("{good}{first}\n"), 5, ParseError::AfterDigest),
        (good.replace(first, &format!("<<<<<<< HEAD\n{first}\n=======\n>>>>>>> b")), 2, ParseError::Conflict),
    ];
    for (text, line, error) in cases {
        assert!(!error.hint().is_empty());
        assert_eq!(Lock::parse(&text), Err(Malformed { line, error }), "{text}");
    }
    assert!(ParseError::Conflict.hint().contains("cargo migrate lock"));
}

#[test]
fn tells_every_difference() {
    let old = Lock::of(&set(&["0001_a", "0002_b", "0004_d"]));
    let mut edited = migration("0002_b");
    edited.up.checksum = Checksum::of("edited");
    let now = Set::new("migrations", vec![migration("0001_a"), edited, migration("0003_c")]);
    let differences: Vec<_> = old.compare(&now).iter().map(Difference::to_string).collect();
    let (locked, found) = (old.entries[2].checksum, Checksum::of("edited"));
    assert_eq!(
        differences,
        [
            "0004_d.up.sql is in migrations.lock but not in the folder",
            "0004_d.down.sql is in migrations.lock but not in the folder",
            &format!("0002_b.up.sql was edited: its checksum is {found}, in migrations.lock it is {locked}"),
            "0003_c.up.sql is not in migrations.lock",
            "0003_c.down.sql is not in migrations.lock",
        ]
    );
    assert_eq!(old.compare(&set(&["0001_a", "0002_b", "0004_d"])), []);
}

#[test]
fn tells_order_and_digest() {
    let set = set(&["0001_a", "0002_b"]);
    let mut lock = Lock::of(&set);
    lock.entries.swap(0, 2);
    let (locked, found) = (lock.digest, Lock::chain(&lock.entries));
    assert_eq!(
        lock.compare(&set),
        [
            Difference::Reordered { file: "0002_b.up.sql".to_owned() },
            Difference::WrongDigest { locked, found }
        ]
    );
}

#[test]
fn check_needs_the_file_and_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let one = set(&["0001_a"]);
    let missing = check(folder.path(), &one).unwrap_err();
    assert!(matches!(&missing, LockError::Missing { path } if path.ends_with(FILE_NAME)), "{missing}");
    assert!(missing.hint().contains("cargo migrate lock"));

    assert!(Lock::of(&one).write(folder.path()).unwrap());
    assert!(!Lock::of(&one).write(folder.path()).unwrap());
    check(folder.path(), &one).unwrap();

    let differs = check(folder.path(), &set(&["0001_a", "0002_b"])).unwrap_err();
    assert!(
        matches!(&differs, LockError::Differs { differences, .. } if differences.len() == 2),
        "{differs}"
    );

    fs::write(folder.path().join(FILE_NAME), "x").unwrap();
    let malformed = check(folder.path(), &one).unwrap_err();
    assert!(malformed.to_string().contains("migrations.lock:1: "), "{malformed}");
    fs::write(folder.path().join(FILE_NAME), b"\xFF").unwrap();
    assert!(matches!(check(folder.path(), &one), Err(LockError::NotText { .. })));
    fs::remove_file(folder.path().join(FILE_NAME)).unwrap();
    fs::create_dir(folder.path().join(FILE_NAME)).unwrap();
    let unreadable = check(folder.path(), &one).unwrap_err();
    assert!(matches!(unreadable, LockError::Unreadable(_)) && !unreadable.hint().is_empty());
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> Output {
    let clean = [("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null"), ("LC_ALL", "C")];
    let person = ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"];
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).envs(clean).envs(person.map(|name| (name, "t@example.org")));
    // A test that is started from a git hook must not work on the repository of the hook.
    command.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").env_remove("GIT_INDEX_FILE").output().unwrap()
}

#[cfg(unix)]
#[test]
fn sha256sum_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let set = recorded(&["0001_a", "0002_it's"]);
    write_files(folder.path(), &set);
    Lock::of(&set).write(folder.path()).unwrap();
    let output = run(folder.path(), "sha256sum", &["--check", "--strict", FILE_NAME]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        text::lines(&String::from_utf8(output.stdout).unwrap()).filter(|line| line.ends_with(": OK")).count(),
        4
    );
}

/// Adds a migration to the lock on two branches of a repository and merges them.
fn merge(base: &[&str], ours: &[&str], theirs: &[&str]) -> (Output, String) {
    let folder = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let output = run(folder.path(), "git", arguments);
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
    };
    let commit = |stems: &[&str]| {
        Lock::of(&set(stems)).write(folder.path()).unwrap();
        git(&["add", "."]);
        git(&["commit", "--quiet", "--message", "x"]);
    };
    git(&["init", "--quiet", "--initial-branch", "ours"]);
    commit(base);
    git(&["checkout", "--quiet", "-b", "theirs"]);
    commit(theirs);
    git(&["checkout", "--quiet", "ours"]);
    commit(ours);
    let merge = run(folder.path(), "git", &["merge", "--no-edit", "theirs"]);
    (merge, fs::read_to_string(folder.path().join(FILE_NAME)).unwrap())
}

#[test]
fn two_branches_that_add_a_migration_conflict_in_git() {
    let base = ["0001_a", "0005_b", "0006_c"];
    for (ours, theirs) in [("0007_x", "0007_y"), ("0007_x", "0008_y"), ("0002_x", "0007_y")] {
        let with = |stem| [base.as_slice(), &[stem]].concat();
        let (merge, text) = merge(&base, &with(ours), &with(theirs));
        assert!(!merge.status.success(), "{ours} {theirs}: {merge:?}");
        assert!(matches!(Lock::parse(&text), Err(Malformed { error: ParseError::Conflict, .. })), "{text}");
    }
}
