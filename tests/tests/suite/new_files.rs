//! T15 and T20 for `new`: files appear whole or not at all, and no two get one version.

use std::collections::BTreeSet;
use std::process::Command;

use migrate_tests::{TestEnvironment, output, skip};

fn names(environment: &TestEnvironment) -> BTreeSet<String> {
    let entries = std::fs::read_dir(environment.path("migrations")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// A shell in name spaces of its own, where it may mount without anybody else seeing it.
fn unshare(script: &str) -> Command {
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--mount", "sh", "-ec", script]);
    command
}

#[test]
fn a_full_disk_leaves_nothing() {
    let can = output::capture(&mut unshare("mount -t tmpfs none /mnt"));
    if can.code != 0 {
        skip!("a small file system cannot be mounted here: {}", can.stderr);
    }
    let environment = TestEnvironment::without_database();
    let program = migrate_tests::binaries::program("cargo-migrate");
    // Room for nothing, and for one of the two files.
    for left in ["0", "4096"] {
        let script = format!(
            "mount -t tmpfs -o size=64k none migrations\n\
             head -c 65536 /dev/zero >migrations/full\n\
             head -c {left} /dev/zero | cmp -s - migrations/full || true\n\
             truncate -s $((65536 - {left})) migrations/full\n\
             \"$1\" migrate new add_products --dir migrations && exit 99\n\
             echo \"code $?\"\n\
             ls -A migrations"
        );
        let mut command = unshare(&script);
        command.args(["sh"]).arg(program).current_dir(environment.project());
        let output = environment.capture(&mut command);
        output.success();
        assert_eq!(output.stdout, "code 5\nfull\n", "{}", output.stderr);
        assert!(
            output.stderr.contains("migrations/0001_add_products.")
                && output.stderr.contains("No space left"),
            "{}",
            output.stderr
        );
        assert!(
            output.stderr.contains("hint: make room on the disk; nothing was changed"),
            "{}",
            output.stderr
        );
    }
}

#[test]
fn many_at_once_have_versions_of_their_own() {
    for flags in [&[][..], &["--timestamp"]] {
        let environment = TestEnvironment::without_database();
        let names_of = |number: usize| format!("change_{number}");
        let running: Vec<_> = (0..8)
            .map(|number| {
                let name = names_of(number);
                let mut arguments = vec!["new", &name];
                arguments.extend(flags);
                environment.spawn(&arguments)
            })
            .collect();
        let outputs: Vec<_> = running.into_iter().map(migrate_tests::Running::wait).collect();
        let files = names(&environment);
        let mut versions = BTreeSet::new();
        for (number, output) in outputs.iter().enumerate() {
            let own: Vec<_> =
                files.iter().filter(|file| file.contains(&format!("_{}.", names_of(number)))).collect();
            match output.code {
                0 => {
                    assert_eq!(own.len(), 2, "{files:?}");
                    let version = own[0].split('_').next().unwrap();
                    assert!(versions.insert(version.to_owned()), "{version} twice: {files:?}");
                }
                5 => {
                    assert!(output.stderr.contains("is taken by"), "{}", output.stderr);
                    assert!(own.is_empty(), "{files:?}");
                }
                code => panic!("{code}: {}", output.stderr),
            }
        }
        // Nothing else is left, no temporary file either.
        assert_eq!(files.len(), versions.len() * 2, "{files:?}");
    }
}

#[test]
fn a_version_that_is_taken_stays_whose_it_is() {
    let environment = TestEnvironment::without_database();
    environment.run(&["new", "first", "--timestamp"]).success();
    let first = names(&environment);
    let version = first.first().unwrap().split('_').next().unwrap().to_owned();
    // The clock of whoever wrote this one is years ahead: what is new comes after it all the same.
    let ahead = "29991231235959";
    environment.migration(&format!("{ahead}_ahead"), "SELECT 1;\n", "SELECT 1;\n");
    environment.run(&["new", "second", "--timestamp"]).success();
    assert!(names(&environment).contains("29991231235960_second.up.sql"), "{:?}", names(&environment));
    assert!(
        version.len() == 14 && version.as_str() > "20260101000000" && version.as_str() < ahead,
        "{version}"
    );
}
