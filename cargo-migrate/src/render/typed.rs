//! The commands that a text tells people to type, for the environment that the run was told of.

/// Verbs that mean another database without `--env`.
const VERBS: [&str; 15] = [
    "backup",
    "deploy",
    "doctor",
    "down",
    "drift",
    "health",
    "history",
    "postflight",
    "preflight",
    "redo",
    "rehearse",
    "repair",
    "schema",
    "status",
    "up",
];

const PROGRAM: &str = "cargo migrate ";

/// Puts `--env NAME` into each `cargo migrate VERB …` that has none: who copies it at night must not reach another database.
pub(super) fn for_environment(text: String, environment: Option<&str>) -> String {
    let Some(name) = environment.filter(|name| is_plain(name)) else { return text };
    let mut pieces = text.split(PROGRAM);
    let mut named = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let command = piece.split(['`', '\n']).next().unwrap_or_default();
        let verb = command.split([' ', ',', '.', ';', ':', ')']).next().unwrap_or_default();
        named += PROGRAM;
        if VERBS.contains(&verb) && !command.contains("--env ") {
            named += &format!("--env {name} ");
        }
        named += piece;
    }
    named
}

/// A name that a shell takes as it is.
fn is_plain(name: &str) -> bool {
    name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_the_environment_once() {
        let of = |text: &str| for_environment(text.to_owned(), Some("production"));
        assert_eq!(
            of("hint: `cargo migrate status` says, `cargo migrate backup list` too\n  cargo migrate up\n"),
            "hint: `cargo migrate --env production status` says, `cargo migrate --env production backup list` too\n  \
             cargo migrate --env production up\n"
        );
        for same in [
            "`cargo migrate preflight --env production`",
            "`cargo migrate --env production deploy`",
            "`cargo migrate new x`",
            "where cargo migrate restores it",
            "cargo-migrate up",
        ] {
            assert_eq!(of(same), same);
        }
        assert_eq!(for_environment("cargo migrate up".to_owned(), None), "cargo migrate up");
        assert_eq!(for_environment("cargo migrate up".to_owned(), Some("a b")), "cargo migrate up");
    }
}
