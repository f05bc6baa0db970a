//! The workspace's integration tests: one binary.

mod splitter;
