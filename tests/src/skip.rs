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

/// Ends the test that calls it unless `MIGRATE_TEST_NIGHTLY` is set: for those that take long or fetch something, which
/// are run before a release. They are no skips, in CI neither.
#[macro_export]
macro_rules! nightly {
    () => {
        if ::std::env::var_os("MIGRATE_TEST_NIGHTLY").is_none() {
            $crate::skip::announce("set MIGRATE_TEST_NIGHTLY to run it", false);
            return;
        }
    };
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
