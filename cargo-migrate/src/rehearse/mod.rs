//! A rehearsal: the pending migrations on a copy of production, watched.
//!
//! The newest verified backup is loaded into a database of its own; the engine runs there as it will run in production,
//! with its messages, its timeouts and its retries. Beside it [`watch`] looks at the locks, [`probe`] uses the tables as an
//! application does, and [`clients`] run a workload. Nothing of production is touched.

mod ahead;
mod clients;
mod copy;
mod flight;
mod gate;
mod holds;
mod latency;
mod memory;
mod observed;
mod place;
mod probe;
mod relations;
mod report;
mod room;
mod run;
mod statements;
mod turn;
mod watch;
mod workload;

#[cfg(test)]
pub(crate) use clients::LoadError;
pub(crate) use clients::{LoadReport, Phase};
pub(crate) use latency::Latency;
pub(crate) use memory::measured;
#[cfg(test)]
pub(crate) use observed::Sizes;
pub(crate) use observed::{Observed, Step, Table};
pub(crate) use place::Remark;
pub(crate) use relations::Written;
#[cfg(test)]
pub(crate) use report::{Copied, Placed};
pub(crate) use report::{Down, Rehearsed};
pub(crate) use run::{Ended, Options, run};
pub(crate) use statements::Statement;
#[cfg(test)]
pub(crate) use statements::Taken;
