//! Copies of a database made with pg_dump: created, described, verified, thrown away and restored.
//!
//! A backup is a folder `backup-<time>` in the backup folder, which nobody but its owner can enter: `manifest.json` and the
//! archive. It appears under its name when all of it is on the disk. `latest` is a link to the newest.

mod create;
mod dump;
mod examine;
mod load;
mod manifest;
mod name;
mod partial;
mod prune;
mod read;
pub(crate) mod restore;
mod room;
mod seal;
mod select;
mod snapshot;
mod store;
mod verify;
mod whose;

pub(crate) use create::{CreateOptions, create};
pub(crate) use dump::Progress;
pub(crate) use examine::{Damage, examine};
pub(crate) use load::{LoadOptions, MissingRoles, load};
pub(crate) use manifest::{Format, Manifest, Scope};
pub(crate) use partial::sweep;
pub(crate) use prune::{Rule, age, choose, remove};
pub(crate) use room::Room;
pub(crate) use select::Wish;
pub(crate) use store::{Backup, Entry, LATEST, Store};
pub(crate) use verify::{Trial, verify, verify_in};
pub(crate) use whose::{Whose, owner};

#[cfg(test)]
pub(crate) mod testing {
    //! Backups for the tests of others.

    use super::{Backup, manifest};

    /// A small backup, which is nowhere.
    pub(crate) fn backup(id: &str) -> Backup {
        Backup { folder: format!("/b/{id}").into(), manifest: manifest::tests::manifest(id) }
    }
}
