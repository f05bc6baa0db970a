//! Copies of a database made with pg_dump: created, described, verified, thrown away and restored.
//!
//! A backup is a folder `backup-<time>` in the backup folder, which nobody but its owner can enter: `manifest.json` and the
//! archive. It appears under its name when all of it is on the disk. `latest` is a link to the newest.

mod manifest;

pub(crate) use manifest::{FileEntry, Format, Manifest, Scope, Verified};
