//! The `cargo-migrate` binary.

fn main() {}
