//! Copies of a database made with pg_dump: created, described, verified, thrown away and restored.
//!
//! A backup is a folder `backup-<time>` in the backup folder, which nobody but its owner can enter: `manifest.json` and the
//! archive. It appears under its name when all of it is on the disk. `latest` is a link to the newest.

mod examine;
mod load;
mod manifest;
mod name;
pub(crate) mod restore;
mod store;

pub(crate) use examine::{Damage, examine};
pub(crate) use load::{LoadOptions, MissingRoles, load};
pub(crate) use manifest::{FileEntry, Format, Manifest, Scope, Verified};
pub(crate) use store::{Backup, Entry, LATEST, Store};
