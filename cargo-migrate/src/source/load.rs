//! From a [`Source`] to the schema.

use std::cell::OnceCell;
use std::path::Path;

use migrate_core::{Schema, Script, Set, Version, file, folder, text};
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{Database, Migrator};

use super::Source;
use super::grammar::{self, There};
use crate::command::Call;
use crate::config::Settings;
use crate::scratch::Scratch;
use crate::{Problem, git, pattern};

/// A schema, and what people call the place it is from.
pub(crate) struct Loaded {
    pub(crate) label: String,
    pub(crate) schema: Schema,
}

/// Reads sources; the scratch server is started by the first that needs one.
pub(crate) struct Loader<'a> {
    call: &'a Call<'a>,
    settings: &'a Settings,
    options: SchemaOptions,
    scratch: OnceCell<Scratch>,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(call: &'a Call<'a>, settings: &'a Settings, options: SchemaOptions) -> Self {
        Self { call, settings, options, scratch: OnceCell::new() }
    }

    /// What was typed.
    pub(crate) fn parse(&self, text: &str) -> Result<Source, Problem> {
        let cwd = &self.call.context.cwd;
        let there = There {
            is_folder: &|path| cwd.join(path).is_dir(),
            is_file: &|path| cwd.join(path).is_file(),
            is_revision: &|name| git::knows(cwd, &self.settings.dir.value, name),
        };
        grammar::parse(text, &there)
    }

    /// Both schemas. Databases are read first, because what is built for comparison is built on a server like theirs.
    pub(crate) fn both(&self, sources: &[Source; 2]) -> anyhow::Result<[Loaded; 2]> {
        let mut version = None;
        let mut loaded = [None, None];
        for (place, source) in loaded.iter_mut().zip(sources) {
            if let Some(migrator) = self.database(source)? {
                let (migrator, label) = migrator;
                version = version.max(Some(migrator.server_version()?));
                *place = Some(Loaded { label, schema: migrator.schema(&self.options)? });
            }
        }
        let [a, b] = loaded;
        let load = |done: Option<Loaded>, source: &Source| match done {
            Some(done) => Ok(done),
            None => self.build(source, version),
        };
        Ok([load(a, &sources[0])?, load(b, &sources[1])?])
    }

    /// The engine for a source that is a database, and its name for people.
    fn database(&self, source: &Source) -> anyhow::Result<Option<(Migrator, String)>> {
        let none = || Set::new("", Vec::new());
        Ok(Some(match source {
            Source::Configured => self.call.migrator(self.settings, none(), None)?,
            Source::Environment(name) => {
                let mut global = self.call.global.clone();
                global.env = Some(name.clone());
                global.database_url = None;
                let settings = crate::config::load(&global, None, self.call.context)?;
                self.call.migrator(&settings, none(), None)?
            }
            Source::Url(url) => {
                let variable = |name: &str| self.settings.variables.get(name).map(|value| value.0.clone());
                let database = Database::resolve(Some(&url.0), &variable)?;
                let label = database.to_string();
                let migrator = Migrator::new(none())
                    .database(database)
                    .history_table(self.settings.history_table.value.clone())
                    .interrupt(self.call.context.interrupt.clone())
                    .on_event(self.call.ui.listener());
                (migrator, label)
            }
            Source::Folder(..) | Source::Revision(..) | Source::File(_) => return Ok(None),
        }))
    }

    /// The schema of what is not a database. `version` is that of the server that it is compared with.
    fn build(&self, source: &Source, version: Option<u32>) -> anyhow::Result<Loaded> {
        let dir = &self.settings.dir.value;
        let (label, set, upto) = match source {
            Source::Folder(folder, upto) => {
                let dir =
                    folder.as_ref().map_or_else(|| dir.clone(), |folder| self.call.context.cwd.join(folder));
                let set = folder::read(&dir, &folder::Options::new(&self.settings.root))?;
                let shown = folder.as_ref().unwrap_or(&self.settings.dir.value).display().to_string();
                (shown, set, *upto)
            }
            Source::Revision(revision, upto) => {
                (revision.clone(), git::set_at(&self.settings.root, &self.absolute(dir), revision)?, *upto)
            }
            Source::File(path) => {
                let schema = self.file(&self.call.context.cwd.join(path), version)?;
                return Ok(Loaded { label: path.display().to_string(), schema });
            }
            Source::Configured | Source::Environment(_) | Source::Url(_) => {
                return Err(anyhow::anyhow!("a database is read, not built"));
            }
        };
        let label = match upto {
            Some(upto) => format!("{label}@{}", check(&set, upto)?),
            None => label,
        };
        let until = |version: Version| upto.is_none_or(|upto| version <= upto);
        let scripts = set.migrations.iter().filter(|migration| until(migration.version));
        let scripts = scripts.map(|migration| (migration.stem.as_ref(), &migration.up));
        let interrupt = &self.call.context.interrupt;
        let works = self.call.context.engine_works();
        let schema = self.scratch(version)?.schema(scripts, &self.options, interrupt)?;
        drop(works);
        Ok(Loaded { label, schema })
    }

    fn absolute(&self, dir: &Path) -> std::path::PathBuf {
        self.call.context.cwd.join(dir)
    }

    fn scratch(&self, version: Option<u32>) -> anyhow::Result<&Scratch> {
        if self.scratch.get().is_none() {
            let scratch = Scratch::like(version)?;
            crate::command::tell_other_major(self.call, version, scratch.major());
            let _ = self.scratch.set(scratch);
        }
        self.scratch.get().ok_or_else(|| anyhow::anyhow!("the scratch server was not kept"))
    }

    fn file(&self, path: &Path, version: Option<u32>) -> anyhow::Result<Schema> {
        let shown = || path.display().to_string();
        let bytes = file::read(path, folder::MAX_FILE_BYTES)?;
        let wrong = |why: String| {
            Problem::Usage {
            what: format!("{}: {why}", shown()),
            hint: "a snapshot is written by `cargo migrate schema > FILE` or `cargo migrate verify --record`; a script \
                   has a name that ends in .sql"
                .to_owned(),
        }
        };
        let text = text::normalise(&bytes).map_err(|error| wrong(error.to_string()))?;
        if path.extension().is_none_or(|extension| extension != "sql") {
            let schema = Schema::parse(&text).map_err(|error| wrong(error.to_string()))?;
            return Ok(pattern::without(&schema, !self.options.owners, !self.options.grants));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let script =
            Script::parse(&name, without_restrict(&text)).map_err(|error| wrong(error.to_string()))?;
        let interrupt = &self.call.context.interrupt;
        self.scratch(version)?.schema([(name.as_ref(), &script)], &self.options, interrupt)
    }
}

/// What `pg_dump` writes around its script since August 2025 (CVE-2025-8714), which only psql understands; blank, so
/// that lines keep their numbers.
fn without_restrict(script: &str) -> String {
    let kept = |line: &str| !line.starts_with("\\restrict ") && !line.starts_with("\\unrestrict ");
    script.split('\n').map(|line| if kept(line) { line } else { "" }).collect::<Vec<_>>().join("\n")
}

/// The stem of the migration that a version names.
fn check(set: &Set, version: Version) -> Result<&str, Problem> {
    set.get(version)
        .map(|migration| migration.stem.as_ref())
        .ok_or_else(|| Problem::NoSuchMigration { target: version.to_string(), near: None })
}
