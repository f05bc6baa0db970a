//! The Cargo project around the current folder, and the metadata in it.

use std::path::{Path, PathBuf};

use cargo_metadata::{MetadataCommand, Package};

use super::Metadata;
use crate::{Context, Problem};

/// A Cargo project.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// The workspace's root.
    pub root: PathBuf,
    /// The folder of the package around the current folder; the root where there is none.
    pub package: PathBuf,
    /// Cargo's `target` folder.
    pub target: PathBuf,
    /// The name of what has the migrations: a package, or the folder of the workspace.
    pub name: String,
    /// The metadata that counts here, if there is any.
    pub metadata: Option<Metadata>,
}

/// The project around the current folder; `None` where no `Cargo.toml` is in it or above it.
pub(crate) fn find(context: &Context) -> Result<Option<Project>, Problem> {
    let Some(manifest) =
        context.cwd.ancestors().map(|dir| dir.join("Cargo.toml")).find(|path| path.is_file())
    else {
        return Ok(None);
    };
    let mut command = MetadataCommand::new();
    command.no_deps().current_dir(&context.cwd).manifest_path(&manifest);
    if let Some(cargo) = context.env.get("CARGO") {
        command.cargo_path(cargo);
    }
    let metadata = command.exec().map_err(|error| match error {
        cargo_metadata::Error::Io(error) => Problem::NoCargo { why: error.to_string() },
        cargo_metadata::Error::CargoMetadata { stderr } => {
            Problem::CargoMetadata { why: stderr.trim().to_owned() }
        }
        other => Problem::CargoMetadata { why: other.to_string() },
    })?;
    let folders: Vec<_> = metadata.packages.iter().map(|package| (folder(package), package)).collect();
    let nearest = folders
        .iter()
        .filter(|(folder, _)| context.cwd.starts_with(folder))
        .max_by_key(|(folder, _)| folder.components().count());
    let mut project = Project {
        root: metadata.workspace_root.clone().into(),
        target: metadata.target_directory.clone().into(),
        package: nearest.map_or_else(|| metadata.workspace_root.clone().into(), |(folder, _)| folder.clone()),
        name: String::new(),
        metadata: None,
    };
    let of_package = |(folder, package): &(PathBuf, &Package)| {
        let value = package.metadata.get("migrate")?;
        Some(Metadata::read("package.metadata.migrate", folder.clone(), value))
    };
    project.metadata = if let Some(own) = nearest.and_then(of_package) {
        Some(own?)
    } else if let Some(value) = metadata.workspace_metadata.get("migrate") {
        Some(Metadata::read("workspace.metadata.migrate", project.root.clone(), value)?)
    } else {
        // At the root of a workspace whose one member has migrations, that member is meant.
        let mut found: Vec<_> = folders.iter().filter_map(of_package).collect();
        if found.len() > 1 {
            let packages =
                folders.iter().filter(|one| of_package(one).is_some()).map(|one| one.1.name.to_string());
            return Err(Problem::SeveralPackages { packages: packages.collect() });
        }
        found.pop().transpose()?
    };
    let home = project.metadata.as_ref().map_or(&project.package, |metadata| &metadata.root);
    let package =
        folders.iter().find(|(folder, _)| folder == home).map(|(_, package)| package.name.to_string());
    let folder = || home.file_name().unwrap_or_default().to_string_lossy().into_owned();
    project.name = package.unwrap_or_else(folder);
    Ok(Some(project))
}

fn folder(package: &Package) -> PathBuf {
    package.manifest_path.parent().map_or_else(PathBuf::new, |folder| folder.as_std_path().to_owned())
}

impl Project {
    /// The folder of migration files where nobody says otherwise.
    pub(crate) fn default_dir(&self) -> PathBuf {
        let in_package = self.package.join("migrations");
        match &self.metadata {
            Some(metadata) => metadata.root.join("migrations"),
            None if in_package.is_dir() || !self.root.join("migrations").is_dir() => in_package,
            None => self.root.join("migrations"),
        }
    }

    /// The manifest that `init` writes to.
    pub(crate) fn manifest(&self) -> PathBuf {
        Path::new(&self.package).join("Cargo.toml")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::context::testing;

    fn package(folder: &Path, name: &str, metadata: &str) {
        fs::create_dir_all(folder.join("src")).unwrap();
        fs::write(folder.join("src/lib.rs"), "").unwrap();
        let manifest =
            format!("[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n{metadata}");
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    }

    #[test]
    fn the_nearest_metadata_counts() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let here = |folder: &str| find(&testing::context(&root.join(folder)).0);
        fs::write(root.join("Cargo.toml"), "[workspace]\nmembers = [\"a\", \"b\"]\nresolver = \"3\"\n")
            .unwrap();
        package(&root.join("a"), "a", "");
        package(&root.join("b"), "b", "[package.metadata.migrate]\ndatabase = \"local\"\n");

        // The only member with metadata is meant everywhere.
        for folder in ["", "a", "b", "b/src"] {
            let project = here(folder).unwrap().unwrap();
            assert_eq!(
                project.metadata.as_ref().map(|metadata| metadata.root.clone()),
                Some(root.join("b")),
                "{folder}"
            );
            assert_eq!((project.default_dir(), project.name.as_str()), (root.join("b/migrations"), "b"));
            assert_eq!((project.root, project.target), (root.clone(), root.join("target")));
        }
        // Two of them: the folder decides, and at the root nobody can know.
        package(&root.join("a"), "a", "[package.metadata.migrate]\ndir = \"db\"\n");
        assert_eq!(here("a").unwrap().unwrap().metadata.unwrap().base.dir, Some("db".into()));
        match here("") {
            Err(Problem::SeveralPackages { packages }) => assert_eq!(packages, ["a", "b"]),
            other => panic!("{other:?}"),
        }
        // The workspace's own wins over another member's.
        let manifest = "[workspace]\nmembers = [\"a\", \"b\"]\nresolver = \"3\"\n[workspace.metadata.migrate]\ndir = \"w\"\n";
        fs::write(root.join("Cargo.toml"), manifest).unwrap();
        assert_eq!(here("").unwrap().unwrap().metadata.unwrap().base.dir, Some("w".into()));
    }

    #[test]
    fn no_manifest_is_no_project() {
        let root = tempfile::tempdir().unwrap();
        assert!(find(&testing::context(root.path()).0).unwrap().is_none());
    }

    #[test]
    fn a_broken_manifest_and_a_missing_cargo_are_told() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("Cargo.toml"), "[package").unwrap();
        let (mut context, _) = testing::context(root.path());
        assert!(matches!(find(&context), Err(Problem::CargoMetadata { .. })));
        context.env = [("CARGO", "no-such-cargo")].into_iter().collect();
        assert!(matches!(find(&context), Err(Problem::NoCargo { .. })));
    }
}
