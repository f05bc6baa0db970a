//! SIGINT, SIGTERM and SIGHUP: the first asks the engine to stop and roll back, the second ends the process.

use std::sync::atomic::Ordering;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::render::signals::{LEAVING, Reader, STOPPING};
use crate::{Context, Exit, render};

/// Watches for signals on a thread of its own, until the process ends.
pub fn watch(context: &Context) {
    let (interrupt, in_flight, stderr) =
        (context.interrupt.clone(), context.in_flight.clone(), context.stderr.clone());
    let (as_events, records) = (context.as_events.clone(), context.records.clone());
    let record = move |event, signal, text| {
        if let Some(logbook) = records.get() {
            logbook.signal(event, signal, text);
        }
    };
    let can_go_back = stderr.terminal().is_some() && context.env.get("TERM") != Some("dumb");
    // Without a handler a signal ends the process, as it does without this function.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    if hears_hang_ups() {
        let _ = signals.add_signal(SIGHUP);
    }
    thread::spawn(move || {
        for signal in signals.forever() {
            let signal = u8::try_from(signal).unwrap_or(2);
            let reader = match (as_events.load(Ordering::SeqCst), can_go_back) {
                (true, _) => Reader::Program,
                (false, true) => Reader::Terminal,
                (false, false) => Reader::File,
            };
            let first = interrupt.triggered().is_none();
            if first && in_flight.load(Ordering::SeqCst) > 0 {
                interrupt.trigger(signal);
                render::signals::stopping(&stderr, reader, signal);
                record("stopping", signal, STOPPING);
                continue;
            }
            if !first && in_flight.load(Ordering::SeqCst) > 0 {
                render::signals::leaving(&stderr, reader, signal);
            }
            record("leaving", signal, LEAVING);
            leave(Exit::Interrupted(signal));
        }
    });
}

/// Whether the end of the terminal is to end us too. `nohup` has a program ignore it, which a handler would undo; where that
/// cannot be seen, the signal is left as it is.
fn hears_hang_ups() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| !ignores_hang_ups(&status))
}

/// proc_pid_status(5): `SigIgn:` and a mask in hexadecimal digits, whose lowest bit is signal 1.
fn ignores_hang_ups(status: &str) -> bool {
    let mask = status.split('\n').find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_none_or(|mask| mask & 1 == 1)
}

#[expect(
    clippy::exit,
    reason = "a second signal means: now; the engine's thread may be waiting on the network"
)]
fn leave(exit: Exit) -> ! {
    std::process::exit(exit.code().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nohup_has_ignored_stays_ignored() {
        assert!(ignores_hang_ups("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0"));
        assert!(!ignores_hang_ups("SigIgn:\t0000000000001000\n"));
        assert!(ignores_hang_ups("unknown"));
    }
}
