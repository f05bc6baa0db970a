//! The workspace's own programs, built from what is there now.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The path of a program of this workspace, for example `cargo-migrate`.
///
/// Cargo tells a test the programs of its own package only. So the first call in a process has cargo build those of the
/// whole workspace, into the folder and with the profile that the tests were built with: cargo knows what is up to
/// date, which no search beside the test's own file does, and a program that is there but stale is never run.
///
/// # Panics
///
/// Where the build fails, or the workspace has no such program.
pub fn program(name: &str) -> &'static Path {
    static PROGRAMS: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();
    let programs = PROGRAMS.get_or_init(build);
    programs.get(name).unwrap_or_else(|| panic!("no program `{name}` among {:?}", programs.keys()))
}

/// The root of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the workspace")
}

fn build() -> HashMap<String, PathBuf> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--workspace", "--bins", "--message-format=json-render-diagnostics"]);
    command.arg("--target-dir").arg(target_folder()).current_dir(workspace());
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command.output().expect("cargo can be run");
    assert!(output.status.success(), "the build failed:\n{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8_lossy(&output.stdout);
    messages.split('\n').filter_map(|line| executable(&serde_json::from_str(line).ok()?)).collect()
}

/// The name and the path in one of cargo's messages, if it is about a program.
fn executable(message: &serde_json::Value) -> Option<(String, PathBuf)> {
    let path = PathBuf::from(message["executable"].as_str()?);
    Some((message["target"]["name"].as_str()?.to_owned(), path))
}

/// The target folder that this test binary is in: `<target>/<profile>/deps/<test>`.
pub fn target_folder() -> PathBuf {
    let own = std::env::current_exe().expect("a process knows its own file");
    own.ancestors().nth(3).expect("a test binary is three folders down").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_of_the_command_line_is_built_and_runs() {
        let path = program("cargo-migrate");
        assert!(path.starts_with(target_folder()), "{}", path.display());
        assert!(Command::new(path).arg("--version").output().is_ok());
    }

    #[test]
    fn only_messages_about_programs_count() {
        let library = serde_json::json!({"target": {"name": "x"}, "executable": null});
        assert_eq!(executable(&library), None);
        let program = serde_json::json!({"target": {"name": "x"}, "executable": "/target/x"});
        assert_eq!(executable(&program), Some(("x".to_owned(), PathBuf::from("/target/x"))));
    }
}
