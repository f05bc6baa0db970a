//! How strictly a run takes its files: `--prove`, `--no-prove` and `--locked`.

use clap::Args;

/// How strictly the files are taken, as far as the command line says.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Strict {
    /// Commit a migration only if it changed the schema as `verify --record` wrote it into migrations.lock
    #[arg(long, overrides_with = "no_prove")]
    prove: bool,

    /// Do not hold migrations against their recorded changes, though the environment says `prove = true`
    #[arg(long, overrides_with = "prove")]
    no_prove: bool,

    /// Refuse to change migrations.lock; the default where CI is set and in a protected environment
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) locked: Option<bool>,
}

impl Strict {
    /// Whether to prove, if anything was said: the last word counts.
    pub(crate) fn proves(self) -> Option<bool> {
        match self {
            Self { prove: true, .. } => Some(true),
            Self { no_prove: true, .. } => Some(false),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        strict: Strict,
    }

    #[test]
    fn the_last_word_counts() {
        for (arguments, said) in [
            (&["x"][..], None),
            (&["x", "--prove"], Some(true)),
            (&["x", "--no-prove"], Some(false)),
            (&["x", "--no-prove", "--prove"], Some(true)),
            (&["x", "--prove", "--no-prove"], Some(false)),
        ] {
            assert_eq!(Line::parse_from(arguments).strict.proves(), said, "{arguments:?}");
        }
    }
}
