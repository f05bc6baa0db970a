//! Which folder `embed!` means.

use std::path::{Path, PathBuf};

use migrate_core::{Schema, Set, file, folder, lock, schema, text};

use crate::problem::Problem;

/// The crate that is being compiled.
pub(crate) struct Crate {
    /// The folder of its `Cargo.toml`.
    manifest: PathBuf,
    /// Its workspace, or the crate itself where it is in none: what links must not leave.
    pub(crate) project: PathBuf,
}

/// What `schema.sql.snap` of a folder says.
pub(crate) struct Recorded {
    /// Where it is, or would be.
    pub(crate) path: PathBuf,
    /// `None` where there is no such file.
    pub(crate) schema: Option<Schema>,
}

/// A migrations folder.
pub(crate) struct Place {
    /// On this machine.
    folder: PathBuf,
    /// Relative to the crate's `Cargo.toml`, with `/`: as it is written into the application.
    pub(crate) relative: String,
}

impl Crate {
    pub(crate) fn current() -> Result<Self, Vec<Problem>> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map(PathBuf::from)
            .ok_or_else(|| vec![Problem::NoCargo])?;
        let project = workspace(&manifest).unwrap_or_else(|| manifest.clone());
        Ok(Self { manifest, project })
    }

    /// The folder that was given, relative to the crate; else `migrations` of the crate; else that of its workspace.
    pub(crate) fn locate(&self, given: Option<&str>) -> Result<Place, Vec<Problem>> {
        if let Some(given) = given {
            if Path::new(given).is_absolute() {
                return Err(vec![Problem::AbsoluteFolder { given: given.to_owned() }]);
            }
            return Ok(Place { folder: self.manifest.join(given), relative: given.to_owned() });
        }
        // A workspace is looked for upwards only, and so the way to it is nothing but `..`.
        let up = self.manifest.strip_prefix(&self.project).map_or(0, |below| below.components().count());
        let own = Place { folder: self.manifest.join(folder::DEFAULT), relative: folder::DEFAULT.to_owned() };
        let shared = Place {
            folder: self.project.join(folder::DEFAULT),
            relative: format!("{}{}", "../".repeat(up), folder::DEFAULT),
        };
        if own.folder.is_dir() {
            Ok(own)
        } else if shared.folder.is_dir() {
            Ok(shared)
        } else if up == 0 {
            Err(vec![Problem::NoFolder { looked: vec![own.folder] }])
        } else {
            Err(vec![Problem::NoFolder { looked: vec![own.folder, shared.folder] }])
        }
    }

    /// The set, where the folder and its lock are without a problem.
    pub(crate) fn read(&self, place: &Place) -> Result<Set, Vec<Problem>> {
        let set = folder::read(&place.folder, &folder::Options::new(&self.project))
            .map_err(|found| found.problems.into_iter().map(Problem::Folder).collect::<Vec<_>>())?;
        lock::check(&place.folder, &set).map_err(Problem::of_lock)?;
        Ok(Set { folder: place.relative.clone().into(), ..set })
    }
}

impl Place {
    /// The recorded schema.
    pub(crate) fn recorded(&self) -> Result<Recorded, Vec<Problem>> {
        let path = self.folder.join(schema::FILE_NAME);
        // A schema of 100,000 tables is a third of this.
        let bytes = match file::read(&path, 1 << 28) {
            Ok(bytes) => bytes,
            Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Recorded { path, schema: None });
            }
            Err(error) => return Err(vec![Problem::Schema { path, why: error.source.to_string() }]),
        };
        let read = text::normalise(&bytes).map_err(|error| error.to_string());
        match read.and_then(|text| Schema::parse(&text).map_err(|error| error.to_string())) {
            Ok(schema) => Ok(Recorded { path, schema: Some(schema) }),
            Err(why) => Err(vec![Problem::Schema { path, why }]),
        }
    }
}

/// The nearest folder, from the crate upwards, whose `Cargo.toml` has a `[workspace]`.
fn workspace(manifest: &Path) -> Option<PathBuf> {
    let is_root = |folder: &&Path| {
        std::fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|toml| has_workspace(&toml))
    };
    manifest.ancestors().find(is_root).map(Path::to_owned)
}

/// A TOML parser would be a dozen crates in every application for this one line.
fn has_workspace(toml: &str) -> bool {
    migrate_core::text::lines(toml).any(|line| {
        let table = line.trim().strip_prefix('[').and_then(|line| line.split(']').next());
        table.is_some_and(|table| table.trim() == "workspace" || table.trim().starts_with("workspace."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_folder_of_the_crate_then_that_of_the_workspace() {
        let root = tempfile::tempdir().unwrap();
        let krate = Crate { manifest: root.path().join("crates/app"), project: root.path().to_owned() };
        std::fs::create_dir_all(&krate.manifest).unwrap();
        let problems = krate.locate(None).err().unwrap();
        let [Problem::NoFolder { looked }] = problems.as_slice() else { panic!("there is no folder") };
        assert_eq!(*looked, [krate.manifest.join("migrations"), root.path().join("migrations")]);

        std::fs::create_dir(root.path().join("migrations")).unwrap();
        let shared = krate.locate(None).ok().unwrap();
        assert_eq!(
            (shared.folder, shared.relative),
            (root.path().join("migrations"), "../../migrations".to_owned())
        );

        std::fs::create_dir(krate.manifest.join("migrations")).unwrap();
        assert_eq!(krate.locate(None).ok().unwrap().relative, "migrations");
        assert_eq!(krate.locate(Some("../x")).ok().unwrap().folder, krate.manifest.join("../x"));
        let absolute = root.path().to_str().unwrap();
        let problems = krate.locate(Some(absolute)).err().unwrap();
        assert!(matches!(problems.as_slice(), [Problem::AbsoluteFolder { .. }]));
    }

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
