//! What can be compared: a database, a folder of migrations, a git revision, a file.

mod grammar;
mod load;

use std::path::PathBuf;

use migrate_core::Version;

use crate::config::Secret;

pub(crate) use load::Loader;

/// Where a schema comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The database of the configuration.
    Configured,
    /// The database of an environment of the configuration.
    Environment(String),
    /// A URL, or keywords and values.
    Url(Secret),
    /// A folder of migrations (the configured one where none is named), up to a version.
    Folder(Option<PathBuf>, Option<Version>),
    /// The configured folder at a git revision, up to a version.
    Revision(String, Option<Version>),
    /// A snapshot, or a script that makes a schema.
    File(PathBuf),
}

impl Source {
    /// Whether it is read from a database, where a runner may have been, as opposed to built from a text.
    pub(crate) fn is_database(&self) -> bool {
        matches!(self, Self::Configured | Self::Environment(_) | Self::Url(_))
    }
}

/// What `A` and `B` of a comparison are, for the help.
pub(crate) const HELP: &str = "\
A and B are each one of:
  database              the database of the configuration (db:)
  env:NAME              the database of [package.metadata.migrate.env.NAME]
  postgres://…          a database by its URL, or by keywords (host=… dbname=…)
  FOLDER[@VERSION]      what the migrations of a folder make, up to a version (dir:FOLDER[@VERSION])
  @VERSION              the configured folder, up to a version
  REVISION[@VERSION]    what the configured folder made at a git revision (git:REVISION[@VERSION])
  FILE                  a snapshot, as `cargo migrate schema > FILE` writes it, or a script FILE.sql (file:FILE)
A name that can be read in two ways is refused; the forms in brackets are never read in another way.
Folders, revisions and scripts are run on a scratch database of a server that is started for it.";
