//! How much is said: `-q` and `-v`, then RUST_LOG, then LOG_LEVEL.

use crate::Environment;
use crate::args::Global;

/// How much is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loudness {
    /// Results and errors only.
    pub(crate) quiet: bool,
    /// Which of the engine's `tracing` is shown, as `RUST_LOG` says it; `None` for nothing of it.
    pub(crate) filter: Option<String>,
    /// A variable that was set to something unknown, and what it was.
    pub(crate) unknown: Option<(&'static str, String)>,
}

impl Loudness {
    /// The argument, then RUST_LOG, then LOG_LEVEL: the nearest word counts, whole.
    pub(crate) fn of(global: &Global, env: &Environment) -> Self {
        let filter = |filter: &str| Self { filter: Some(filter.to_owned()), ..Self::default() };
        if global.quiet {
            return Self { quiet: true, ..Self::default() };
        }
        match global.verbose {
            0 => {}
            1 => return filter("migrate::ask=debug"),
            2 => return filter("migrate=debug"),
            _ => return filter("migrate=trace"),
        }
        if let Some(said) = env.get("RUST_LOG") {
            return filter(said);
        }
        let Some(said) = env.get("LOG_LEVEL") else { return Self::default() };
        match said.to_ascii_lowercase().as_str() {
            "trace" => filter("migrate=trace"),
            "debug" => filter("migrate=debug"),
            "info" => Self::default(),
            "warn" | "warning" | "error" | "off" => Self { quiet: true, ..Self::default() },
            _ => Self { unknown: Some(("LOG_LEVEL", said.to_owned())), ..Self::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_counts() {
        type Row<'a> = (bool, u8, &'a [(&'a str, &'a str)], bool, Option<&'a str>);
        const BOTH: &[(&str, &str)] = &[("RUST_LOG", "a=info"), ("LOG_LEVEL", "error")];
        let table: [Row; 11] = [
            (false, 0, &[], false, None),
            (true, 0, BOTH, true, None),
            (false, 1, BOTH, false, Some("migrate::ask=debug")),
            (false, 2, &[], false, Some("migrate=debug")),
            (false, 4, &[], false, Some("migrate=trace")),
            (false, 0, BOTH, false, Some("a=info")),
            (false, 0, &[("LOG_LEVEL", "Debug")], false, Some("migrate=debug")),
            (false, 0, &[("LOG_LEVEL", "trace")], false, Some("migrate=trace")),
            (false, 0, &[("LOG_LEVEL", "INFO")], false, None),
            (false, 0, &[("LOG_LEVEL", "warn")], true, None),
            (false, 0, &[("LOG_LEVEL", "error"), ("RUST_LOG", "")], true, None),
        ];
        for (quiet, verbose, env, is_quiet, filter) in table {
            let global = Global { quiet, verbose, ..Global::default() };
            let loudness = Loudness::of(&global, &env.iter().copied().collect());
            assert_eq!((loudness.quiet, loudness.filter.as_deref()), (is_quiet, filter), "{verbose} {env:?}");
        }
        let env = [("LOG_LEVEL", "loud")].into_iter().collect();
        let loudness = Loudness::of(&Global::default(), &env);
        assert_eq!(loudness, Loudness { unknown: Some(("LOG_LEVEL", "loud".into())), ..Loudness::default() });
    }
}
