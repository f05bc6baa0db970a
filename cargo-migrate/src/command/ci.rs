//! `ci`: workflows that verify migrations.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use include_dir::{Dir, include_dir};
use migrate_core::file;

use super::call::{Answer, Call, Outcome};
use crate::Problem;
use crate::config::project;
use crate::render::review::folder_in_repository;
use crate::render::view::{CiView, TextView};

/// Write workflows that verify migrations in CI
#[derive(Debug, Args)]
pub struct Ci {
    /// What to do.
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write GitHub Actions workflows: one for pull requests, one to migrate by hand
    ///
    /// .github/workflows/migrations.yml verifies and lints what a pull request brings, and writes one comment.
    /// .github/workflows/migrate.yml is started by hand, with an environment and a direction; each environment has its
    /// DATABASE_URL as a secret in the repository's settings. Files that are there are left alone. docs/ci.md has more.
    Init(Init),
}

#[derive(Debug, Args)]
struct Init {
    /// Print the same for GitLab CI, and write nothing
    #[arg(long)]
    gitlab: bool,

    /// The major versions of PostgreSQL to verify on: 15,17
    #[arg(
        long,
        value_name = "VERSIONS",
        value_delimiter = ',',
        default_value = "17",
        value_parser = clap::value_parser!(u16).range(14..)
    )]
    postgres: Vec<u16>,

    /// The Rust toolchain that cargo-migrate is built with: stable, or a version
    #[arg(long, value_name = "TOOLCHAIN", default_value = "stable", value_parser = toolchain)]
    toolchain: String,

    /// Warn of a script that takes longer than this
    #[arg(long, value_name = "TIME", default_value = "5min", value_parser = limit)]
    warn_above: String,

    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

static FILES: Dir = include_dir!("$CARGO_MANIFEST_DIR/ci");

/// The workflows, by their names in `ci/` and in the project.
const WORKFLOWS: [&str; 2] = ["migrations.yml", "migrate.yml"];

fn toolchain(text: &str) -> Result<String, String> {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
    let word = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if plain && word { Ok(text.to_owned()) } else { Err("write stable, or a version: 1.94".to_owned()) }
}

/// A time as it was written, once it is known to be one.
fn limit(text: &str) -> Result<String, String> {
    crate::args::duration(text).map(|_| text.to_owned())
}

impl Ci {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let Action::Init(init) = &self.action;
        init.run(call)
    }
}

impl Init {
    fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let cwd = &call.context.cwd;
        let project = match project::find(call.context)? {
            Some(project) => project.package,
            None => cwd.clone(),
        };
        let places = Places {
            folder: plain(&folder_in_repository(&settings.dir.value, cwd))?,
            project: plain(&folder_in_repository(&project, cwd))?,
            // Where the metadata says it, the workflow need not.
            dir: match &call.global.dir {
                Some(dir) => Some(plain(&dir.display().to_string())?),
                None => None,
            },
        };
        if self.gitlab {
            return Answer::ok(TextView(self.filled("gitlab.yml", &places)?));
        }
        let root = root(cwd);
        let folder = root.join(".github").join("workflows");
        fs::create_dir_all(&folder).map_err(Problem::io(&folder))?;
        let mut files = Vec::new();
        for name in WORKFLOWS {
            let path = folder.join(name);
            let text = self.filled(name, &places)?;
            let there = path.exists();
            let same = there && fs::read(&path).map_err(Problem::io(&path))? == text.as_bytes();
            let action = match (there, same || !self.force) {
                (true, true) => "kept",
                (true, false) => "replaced",
                (false, _) => "created",
            };
            if action != "kept" {
                file::replace(&path, text.as_bytes())?;
            }
            let shown = path.strip_prefix(cwd).map(Path::to_owned).unwrap_or(path);
            files.push((action, shown));
        }
        Answer::ok(CiView { files })
    }

    /// A template with its places filled in.
    fn filled(&self, name: &str, places: &Places) -> Result<String, Problem> {
        let template = FILES.get_file(name).and_then(|file| file.contents_utf8()).unwrap_or_default();
        let versions: Vec<_> = self.postgres.iter().map(|version| format!("\"{version}\"")).collect();
        let newest = self.postgres.iter().max().map(ToString::to_string).unwrap_or_default();
        let in_folder =
            if places.folder.is_empty() { "**".to_owned() } else { format!("{}/**", places.folder) };
        let image = match self.toolchain.as_str() {
            "stable" => "1",
            version => version,
        };
        let version = env!("CARGO_PKG_VERSION");
        let install = format!(
            "cargo install --locked --git {} --tag v{version} cargo-migrate",
            env!("CARGO_PKG_REPOSITORY")
        );
        let mut text = template.to_owned();
        if places.dir.is_none() {
            text = text.replace(" --dir @dir@", "");
        }
        let project = if places.project.is_empty() { "." } else { &places.project };
        for (place, value) in [
            ("@paths@", format!("'{in_folder}'")),
            ("@matrix@", format!("[{}]", versions.join(", "))),
            ("@newest@", newest),
            ("@project@", project.to_owned()),
            ("@toolchain@", self.toolchain.clone()),
            ("@image@", image.to_owned()),
            ("@version@", version.to_owned()),
            ("@install@", install),
            ("@limit@", self.warn_above.clone()),
            ("@dir@", places.dir.clone().unwrap_or_default()),
        ] {
            text = text.replace(place, &value);
        }
        Ok(text)
    }
}

/// Folders, from the repository's root.
struct Places {
    folder: String,
    project: String,
    dir: Option<String>,
}

/// A path that means the same in YAML, in a shell and as a pattern of paths.
fn plain(path: &str) -> Result<String, Problem> {
    let is_plain = path.chars().all(|c| c.is_alphanumeric() || "._-/+".contains(c)) && !path.starts_with('-');
    if is_plain {
        return Ok(path.to_owned());
    }
    Err(Problem::Usage {
        what: format!("the folder `{path}` has a character in its name that a workflow would have to quote"),
        hint: "rename it, or write the workflow by hand: docs/ci.md has one".to_owned(),
    })
}

/// The root of the repository, or the current folder where there is none.
fn root(cwd: &Path) -> PathBuf {
    let found = cwd.ancestors().find(|folder| folder.join(".git").exists());
    found.unwrap_or(cwd).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn init(postgres: &[u16]) -> Init {
        Init {
            gitlab: false,
            postgres: postgres.to_vec(),
            toolchain: "stable".to_owned(),
            warn_above: "5min".to_owned(),
            force: false,
        }
    }

    #[test]
    fn every_place_is_filled() {
        let places = Places {
            folder: "apps/shop/migrations".to_owned(),
            project: "apps/shop".to_owned(),
            dir: Some("migrations".to_owned()),
        };
        for file in FILES.files() {
            let name = file.path().to_str().unwrap();
            for dir in [None, places.dir.clone()] {
                let places = Places { dir, folder: places.folder.clone(), project: places.project.clone() };
                let text = init(&[15, 17]).filled(name, &places).unwrap();
                let at = text
                    .split('@')
                    .skip(1)
                    .find(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase() && rest.contains('@')));
                let allowed = |rest: &str| {
                    rest.starts_with("v4")
                        || rest.starts_with("localhost")
                        || rest.starts_with("postgres:")
                        || rest.starts_with("verify.md")
                        || rest.starts_with("$note")
                };
                assert!(at.is_none_or(allowed), "{name}: {at:?}");
                assert!(text.contains("cargo migrate"), "{name}");
            }
        }
    }

    #[test]
    fn a_folder_that_would_have_to_be_quoted_is_refused() {
        assert_eq!(plain("apps/my-shop_2/db").unwrap(), "apps/my-shop_2/db");
        for odd in ["a b", "a'b", "$(x)", "${{ x }}", "a*", "-x", "a\nb"] {
            assert!(plain(odd).is_err(), "{odd}");
        }
        assert!(toolchain("1.94").is_ok() && toolchain("stable; rm").is_err() && toolchain("").is_err());
    }
}
