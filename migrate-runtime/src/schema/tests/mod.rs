//! Snapshots of real databases.

mod random;
mod support;
mod text;
