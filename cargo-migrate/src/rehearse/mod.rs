//! A rehearsal: the pending migrations on a copy of production, watched.
//!
//! The newest verified backup is loaded into a database of its own; the engine runs there as it will run in production,
//! with its messages, its timeouts and its retries. Beside it [`watch`] looks at the locks, [`probe`] uses the tables as an
//! application does, and [`clients`] run a workload. Nothing of production is touched.

mod clients;
mod gate;
mod holds;
mod latency;
mod memory;
mod place;
mod probe;
mod relations;
mod report;
mod room;
mod run;
mod watch;
mod workload;

#[cfg(test)]
pub(crate) use clients::LoadError;
pub(crate) use clients::{LoadReport, Phase};
pub(crate) use latency::Latency;
pub(crate) use memory::measured;
pub(crate) use place::Remark;
pub(crate) use relations::Written;
#[cfg(test)]
pub(crate) use report::Copied;
pub(crate) use report::{Down, Rehearsed};
pub(crate) use run::{Ended, Options, run};
#[cfg(test)]
pub(crate) use watch::Sizes;
pub(crate) use watch::{Observed, Step, Table};
