//! A rehearsal: the pending migrations on a copy of production, watched.
#![allow(dead_code, unused_imports)]

mod gate;
mod holds;
mod latency;
mod probe;
mod relations;
mod watch;
