//! `init`: make a project ready for migrations.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use migrate_core::lock::{FILE_NAME, Lock};
use migrate_core::{file, folder};
use toml_edit::{DocumentMut, Item, Table, TableLike, value};

use super::call::{Answer, Call, Outcome};
use crate::config::{Project, project};
use crate::render::view::InitView;
use crate::{Problem, files};

/// Make this project ready for migrations
///
/// Writes the folder, migrations.lock, .gitattributes and [package.metadata.migrate] in Cargo.toml, each only where it
/// is missing. Asks nothing.
#[derive(Debug, Args)]
pub struct Init {}

/// Line ends decide the checksum, and a checkout must not change them.
const ATTRIBUTES: [&str; 2] = ["*.sql text eol=lf", "migrations.lock text eol=lf"];

impl Init {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let Some(project) = project::find(call.context)? else {
            return Err(Problem::NoProject { folder: call.context.cwd.clone() }.into());
        };
        let before = call.settings(None)?;
        let mut done = Vec::new();

        let manifest = project.manifest();
        let known = before.database.is_ok();
        match &project.metadata {
            Some(metadata) => done.push(("kept", metadata.root.join("Cargo.toml"))),
            None => {
                let dir = call.global.dir.as_ref().map(|dir| call.context.cwd.join(dir));
                write_metadata(&project, &manifest, dir.as_deref(), known)?;
                done.push(("added to", manifest));
            }
        }
        let dir = before.dir.value.clone();
        let made = !dir.is_dir();
        fs::create_dir_all(&dir).map_err(Problem::io(&dir))?;
        done.push((if made { "created" } else { "kept" }, dir.clone()));
        let attributes = dir.join(".gitattributes");
        done.push((write_attributes(&attributes)?, attributes));
        let lock = dir.join(FILE_NAME);
        let there = lock.exists();
        if !there {
            Lock::of(&files::read(&before)?).write(&dir)?;
        }
        done.push((if there { "kept" } else { "created" }, lock));

        let after = call.settings(None)?;
        let database = after.database.ok().map(|place| place.origin.to_string());
        let shown = |(what, path): (&'static str, PathBuf)| {
            let path = path.strip_prefix(&call.context.cwd).map(Path::to_owned).unwrap_or(path);
            (what, path)
        };
        Answer::ok(InitView { files: done.into_iter().map(shown).collect(), database })
    }
}

/// Puts the table into the manifest, keeping every other byte of it.
fn write_metadata(
    project: &Project,
    manifest: &Path,
    dir: Option<&Path>,
    database_known: bool,
) -> anyhow::Result<()> {
    let bad = |why: String| Problem::Manifest { path: manifest.to_owned(), why };
    let text = fs::read_to_string(manifest).map_err(Problem::io(manifest))?;
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| bad(error.to_string()))?;
    let mut table = Table::new();
    let root = manifest.parent().unwrap_or(&project.root);
    if let Some(dir) = dir {
        let dir = dir.strip_prefix(root).unwrap_or(dir);
        if dir != Path::new(folder::DEFAULT) {
            table.insert("dir", value(dir.display().to_string()));
        }
    }
    // Where a database is known already, as in a .env, it goes on being that one.
    table.insert("database", value(if database_known { "env:DATABASE_URL" } else { "local" }));

    let section = if document.contains_key("package") { "package" } else { "workspace" };
    let metadata = document
        .get_mut(section)
        .and_then(Item::as_table_like_mut)
        .ok_or_else(|| bad("it has neither [package] nor [workspace]".to_owned()))?
        .entry("metadata")
        .or_insert_with(|| {
            // Only [package.metadata.migrate] gets a head of its own.
            let mut metadata = Table::new();
            metadata.set_implicit(true);
            metadata.into()
        })
        .as_table_like_mut()
        .ok_or_else(|| bad(format!("`{section}.metadata` is not a table")))?;
    insert(metadata, table);
    file::replace(manifest, document.to_string().as_bytes())?;
    Ok(())
}

fn insert(metadata: &mut dyn TableLike, table: Table) {
    // In an inline table only another one can stand.
    let item = if metadata.is_dotted() || metadata.get_values().is_empty() {
        Item::Table(table)
    } else {
        Item::Value(table.into_inline_table().into())
    };
    metadata.insert("migrate", item);
}

/// Adds what is missing, after what is there.
fn write_attributes(path: &Path) -> anyhow::Result<&'static str> {
    let old = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Problem::io(path)(error).into()),
    };
    let is_there = |line: &&str| old.split(['\n', '\r']).any(|old| old.trim() == *line);
    let missing: Vec<_> = ATTRIBUTES.into_iter().filter(|line| !is_there(line)).collect();
    if missing.is_empty() {
        return Ok("kept");
    }
    let mut text = old.clone();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for line in missing {
        text += line;
        text.push('\n');
    }
    file::replace(path, text.as_bytes())?;
    Ok(if old.is_empty() { "created" } else { "added to" })
}
