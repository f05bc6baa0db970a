//! `--prove` and `--no-prove`.

use clap::Args;

/// Whether to prove, as far as the command line says.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Prove {
    /// Commit a migration only if it changed the schema as `verify --record` wrote it into migrations.lock
    #[arg(long, overrides_with = "no_prove")]
    prove: bool,

    /// Do not hold migrations against their recorded changes, though the environment says `prove = true`
    #[arg(long, overrides_with = "prove")]
    no_prove: bool,
}

impl Prove {
    /// What was said, if anything was: the last word counts.
    pub(crate) fn said(self) -> Option<bool> {
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
        prove: Prove,
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
            assert_eq!(Line::parse_from(arguments).prove.said(), said, "{arguments:?}");
        }
    }
}
