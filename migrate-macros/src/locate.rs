//! Which folder `embed!` means.

use std::path::{Path, PathBuf};

use migrate_core::{Set, folder, lock};

use crate::problem::Problem;

/// The folder, as found on this machine and as it is written into the application.
pub(crate) struct Place {
    /// The folder on this machine.
    pub(crate) folder: PathBuf,
    /// The folder relative to the crate's `Cargo.toml`.
    pub(crate) relative: String,
    /// What links must not leave: the workspace, or the crate where it is in none.
    pub(crate) project: PathBuf,
}

/// The folder that was given, relative to the crate; else `migrations` of the crate; else that of its workspace.
pub(crate) fn locate(given: Option<&str>) -> Result<Place, Problem> {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).ok_or(Problem::NoCargo)?;
    let workspace = workspace(&manifest);
    let project = workspace.clone().unwrap_or_else(|| manifest.clone());
    if let Some(given) = given {
        if Path::new(given).is_absolute() {
            return Err(Problem::AbsoluteFolder { given: given.to_owned() });
        }
        return Ok(Place { folder: manifest.join(given), relative: given.to_owned(), project });
    }
    let own = manifest.join(folder::DEFAULT);
    if own.is_dir() {
        return Ok(Place { folder: own, relative: folder::DEFAULT.to_owned(), project });
    }
    if let Some(workspace) = workspace {
        let shared = workspace.join(folder::DEFAULT);
        // A workspace is looked for upwards only, and so the way to it is nothing but `..`.
        let up = manifest.strip_prefix(&workspace).map_or(0, |below| below.components().count());
        if shared.is_dir() && shared != own {
            return Ok(Place {
                folder: shared,
                relative: format!("{}{}", "../".repeat(up), folder::DEFAULT),
                project,
            });
        }
        return Err(Problem::NoFolder { looked: vec![own, shared] });
    }
    Err(Problem::NoFolder { looked: vec![own] })
}

/// The nearest folder, from the crate upwards, whose `Cargo.toml` has a `[workspace]`.
fn workspace(manifest: &Path) -> Option<PathBuf> {
    manifest
        .ancestors()
        .find(|folder| std::fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|t| has_workspace(&t)))
        .map(Path::to_owned)
}

/// A TOML parser would be a dozen crates in every application for this one line.
fn has_workspace(toml: &str) -> bool {
    migrate_core::text::lines(toml).any(|line| {
        let table = line.trim().strip_prefix('[').and_then(|line| line.split(']').next());
        table.is_some_and(|table| table.trim() == "workspace" || table.trim().starts_with("workspace."))
    })
}

impl Place {
    /// The set, where the folder and its lock are without a problem.
    pub(crate) fn read(&self) -> Result<Set, Vec<Problem>> {
        let set = folder::read(&self.folder, &folder::Options::new(&self.project))
            .map_err(|found| found.problems.into_iter().map(Problem::Folder).collect::<Vec<_>>())?;
        lock::check(&self.folder, &set).map_err(Problem::of_lock)?;
        Ok(Set { folder: self.relative.clone().into(), ..set })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_table_of_a_workspace() {
        for toml in ["[workspace]", "[package]\n[ workspace ] # x\n", "a = 1\r\n[workspace.package]"] {
            assert!(has_workspace(toml), "{toml}");
        }
        for toml in [
            "",
            "[package]\nname = \"workspace\"",
            "version.workspace = true",
            "# [workspace]",
            "[workspaces]",
        ] {
            assert!(!has_workspace(toml), "{toml}");
        }
    }
}
