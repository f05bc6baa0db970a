//! Snapshots of a database's schema: the same text for the same schema on every server of 14 to 18.

mod cache;
mod changes;
mod dialect;
mod kinds;
mod options;
mod prepared;
mod presence;
mod query;
mod reader;

pub use options::SchemaOptions;
pub(crate) use reader::SchemaReader;

#[cfg(test)]
mod tests;
