//! SIGINT and SIGTERM: the first asks the engine to stop and roll back, the second ends the process.

use std::sync::atomic::Ordering;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::{Context, Exit, render};

/// Watches for signals on a thread of its own, until the process ends.
pub fn watch(context: &Context) {
    let (interrupt, in_flight, stderr) =
        (context.interrupt.clone(), context.in_flight.clone(), context.stderr.clone());
    // Without a handler a signal ends the process, as it does without this function.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    thread::spawn(move || {
        for signal in signals.forever() {
            let signal = u8::try_from(signal).unwrap_or(2);
            let first = interrupt.triggered().is_none();
            if first && in_flight.load(Ordering::SeqCst) {
                interrupt.trigger(signal);
                stderr.write(&render::signals::stopping(stderr.terminal().is_some()));
                continue;
            }
            if !first && in_flight.load(Ordering::SeqCst) {
                stderr.write(&render::signals::leaving(stderr.terminal().is_some()));
            }
            leave(Exit::Interrupted(signal));
        }
    });
}

#[expect(
    clippy::exit,
    reason = "a second signal means: now; the engine's thread may be waiting on the network"
)]
fn leave(exit: Exit) -> ! {
    std::process::exit(exit.code().into())
}
