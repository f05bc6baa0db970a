//! What a person reads who presses Ctrl-C.

/// After the first signal, while the engine works.
pub(crate) fn stopping(terminal: bool) -> String {
    format!(
        "{}stopping: the statement in flight is cancelled and its transaction rolled back (again: leave at once)\n",
        clear(terminal)
    )
}

/// After the second.
pub(crate) fn leaving(terminal: bool) -> String {
    format!(
        "{}left at once: the server rolls back what was in flight, as soon as it notices; \
         `cargo migrate status` shows what is applied\n",
        clear(terminal)
    )
}

fn clear(terminal: bool) -> &'static str {
    if terminal { "\r\u{1b}[K" } else { "" }
}
