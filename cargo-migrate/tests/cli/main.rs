//! The command line, run inside the test process with streams, variables and answers of the test's own. The real
//! program, its signals and its pipes are tested in the workspace's `tests`.

#![expect(clippy::unwrap_used, reason = "clippy does not see that these helpers are tests too")]

mod arguments;
mod confirmation;
mod documented;
mod files;
mod help;
mod init;
mod json;
mod new;
mod protected;
mod reference;
mod world;

/// A test file that nobody declares is never run.
#[test]
fn every_file_here_is_declared() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let main = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(module) = name.strip_suffix(".rs").filter(|module| *module != "main") {
            assert!(main.contains(&format!("\nmod {module};\n")), "{name} is not declared in main.rs");
        }
    }
}
