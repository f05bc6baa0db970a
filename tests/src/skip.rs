//! Tests that need a program which is not everywhere.

use std::io::Write;

/// Ends the test that calls it, saying why where everybody sees it. Where `CI` is set it fails instead: a test that is
/// never run holds no promise.
#[macro_export]
macro_rules! skip {
    ($($reason:tt)*) => {{
        $crate::skip::announce(&::std::format!($($reason)*), ::std::env::var_os("CI").is_some());
        return;
    }};
}

/// What [`skip!`](crate::skip!) says before it returns.
///
/// # Panics
///
/// In CI.
pub fn announce(reason: &str, ci: bool) {
    assert!(!ci, "a test cannot be run here, and in CI every test must be: {reason}");
    // Written past `eprintln!`, whose output the test runner keeps to itself when a test passes.
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "SKIPPED: {name}: {reason}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "a test cannot be run here, and in CI every test must be: x is not installed")]
    fn a_skip_is_a_failure_in_ci() {
        announce("x is not installed", true);
    }
}
