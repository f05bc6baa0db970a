//! Snapshots of real databases.

mod support;
mod text;
