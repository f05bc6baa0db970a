//! Kills a program at its N-th step on the file system (T3): `strace` counts the system calls that change one and delivers
//! the signal as the call begins, so that it never happens. There is nothing of it in the product.

use std::path::Path;
use std::process::Command;

use crate::output::{self, Output};

/// The calls that make, fill, name, sync or remove something. What a call opens or writes shows when the next one is struck.
const CALLS: [&str; 19] = [
    "mkdir",
    "mkdirat",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "unlink",
    "unlinkat",
    "rmdir",
    "chmod",
    "fchmod",
    "ftruncate",
    "fsync",
    "fdatasync",
    "write",
    "flock",
];

/// Runs the command of `prepare` again and again, killed at its first call of each kind, at its second and so on, until it
/// runs to its end; `check` looks at what is left each time and is told which call it was. Returns how many there were.
///
/// Counted are the steps of the program's main thread, which is where it keeps its files; its children are not struck.
///
/// # Panics
///
/// Where `strace` is missing, and where the program fails by itself.
pub fn kill_at_each(mut prepare: impl FnMut() -> Command, mut check: impl FnMut(&str, &Output)) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("strace.log");
    let mut struck = 0;
    for call in CALLS {
        for number in 1.. {
            let output = strike(prepare(), call, number, &log);
            if output.code == 0 {
                break;
            }
            let step = format!("{call} {number}");
            // A shell's way to say that it was SIGKILL; `strace` ends as the program did.
            assert!([137, -9].contains(&output.code), "{step}: {}\n{}", output.code, output.stderr);
            check(&step, &output);
            struck += 1;
        }
    }
    struck
}

/// Kills the command of `prepare` at every `stride`-th of its steps, in the order of their kinds, and at each of them where
/// `MIGRATE_TEST_NIGHTLY` is set. The steps are those of one undisturbed run; a later run that has fewer of a kind goes to
/// its end where it should have been struck, and is not counted. Returns how many were struck.
///
/// # Panics
///
/// As [`kill_at_each`] does.
pub fn kill_at_some(
    stride: usize,
    mut prepare: impl FnMut() -> Command,
    mut check: impl FnMut(&str, &Output),
) -> usize {
    let stride = if std::env::var_os("MIGRATE_TEST_NIGHTLY").is_some() { 1 } else { stride };
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("strace.log");
    let wanted = CALLS.map(|call| format!("?{call}")).join(",");
    let undisturbed = traced(&prepare(), &["-e", &format!("trace={wanted}")], &log);
    assert_eq!(undisturbed.code, 0, "undisturbed: {}", undisturbed.stderr);
    check("undisturbed", &undisturbed);
    let made = String::from_utf8_lossy(&std::fs::read(&log).unwrap()).into_owned();
    let count = |call: &str| made.split('\n').filter(|line| line.starts_with(&format!("{call}("))).count();
    let steps = CALLS.iter().flat_map(|call| (1..=count(call)).map(move |number| (*call, number)));
    let mut struck = 0;
    for (call, number) in steps.step_by(stride) {
        let output = strike(prepare(), call, number, &log);
        if output.code == 0 {
            continue;
        }
        let step = format!("{call} {number}");
        assert!([137, -9].contains(&output.code), "{step}: {}\n{}", output.code, output.stderr);
        check(&step, &output);
        struck += 1;
    }
    struck
}

/// Runs a command that is killed at its N-th call of a kind.
fn strike(command: Command, call: &str, number: usize, log: &Path) -> Output {
    // A machine does not have each call.
    let (trace, inject) = (format!("trace=?{call}"), format!("inject=?{call}:signal=SIGKILL:when={number}"));
    traced(&command, &["-e", &trace, "-e", &inject], log)
}

fn traced(command: &Command, options: &[&str], log: &Path) -> Output {
    let mut traced = Command::new("strace");
    traced.args(["--quiet=all", "-o"]).arg(log).args(options);
    traced.arg("--").arg(command.get_program()).args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            traced.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        traced.current_dir(folder);
    }
    output::capture(&mut traced)
}

/// Whether it can be done here.
pub fn can() -> bool {
    Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success())
}
