//! `backup verify`.

use std::time::Instant;

use clap::Args;
use migrate_runtime::Database;

use crate::Problem;
use crate::backup::{self, LATEST, Store, Trial, Whose};
use crate::command::call::{Answer, Call, Outcome};
use crate::render::view::VerifiedView;

/// Check that a backup is whole, and with --restore that it can be restored
///
/// The checksum of each file is compared, the archive is read to its end, and the rows in it are counted. With --restore it is
/// restored too, on a server of our own in memory, and the schema's digest and the rows of each table are compared with what
/// they were. Exits with 8 where it is not good. That it is good is written into its manifest: `backup prune` keeps the newest
/// verified one.
#[derive(Debug, Args)]
pub struct Verify {
    /// The backup's name, its beginning, or `latest`: the newest of this environment's or database's
    #[arg(value_name = "BACKUP", default_value = LATEST)]
    backup: String,

    /// Restore it into a database that is thrown away, and compare schema and rows
    #[arg(long)]
    restore: bool,

    /// Restore it on this server, into a database of its own, instead of one of our own in memory
    ///
    /// The role needs CREATEDB, and the server the roles that own what is in the backup. Other users of this machine see the
    /// arguments of a process: leave the password to PGPASSWORD or to ~/.pgpass.
    #[arg(long, value_name = "URL", requires = "restore")]
    server: Option<String>,
}

impl Verify {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let began = Instant::now();
        let settings = call.settings(None)?;
        let variable = |name: &str| settings.variables.get(name).map(|value| value.0.clone());
        let trial = match (&self.server, self.restore) {
            (Some(url), _) => Trial::Server(Box::new(Database::resolve(Some(url), &variable)?)),
            (None, true) => Trial::Scratch,
            (None, false) => Trial::None,
        };
        let opened = Store::open(&settings).find(&self.backup, &Whose::of(&settings));
        let result = opened.and_then(|backup| {
            backup::verify_in(call, &backup, &trial)?;
            Ok(backup)
        });
        let restored = self.restore;
        let elapsed = began.elapsed();
        match result {
            Ok(backup) => {
                let manifest = &backup.manifest;
                let (files, bytes, tables) = (manifest.files.len(), manifest.bytes, manifest.rows.len());
                let id = manifest.id.clone();
                Answer::ok(VerifiedView { id, why: None, restored, files, bytes, tables, elapsed })
            }
            // What it was asked to find out.
            Err(error) => match error.downcast::<Problem>() {
                Ok(Problem::DamagedBackup { id, why }) => {
                    let (why, restored) = (Some(why), false);
                    Answer::check(
                        true,
                        VerifiedView { id, why, restored, files: 0, bytes: 0, tables: 0, elapsed },
                    )
                }
                Ok(other) => Err(other.into()),
                Err(other) => Err(other),
            },
        }
    }
}
