//! The arguments of a run as its records have them: as they were typed, without a password.

use std::ffi::OsString;

use migrate_core::sql::mask_text;

/// The arguments, in quotes where a shell needs them. The database of each line is known without its password: how it was
/// named on the command line is left out whole, because there are more ways to write a password than can be recognised.
pub(crate) fn shown(arguments: &[OsString]) -> Vec<String> {
    let mut shown = Vec::with_capacity(arguments.len());
    let mut hide = false;
    for argument in arguments {
        let argument = argument.to_string_lossy();
        if hide {
            shown.push("***".to_owned());
            hide = false;
            continue;
        }
        hide = URLS.contains(&&*argument);
        match argument.split_once('=') {
            Some((name, _)) if URLS.contains(&name) => shown.push(format!("{name}=***")),
            _ => shown.push(quoted(&mask_text(&argument))),
        }
    }
    shown
}

const URLS: [&str; 2] = ["--database-url", "--server"];

fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=./:,+@%".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_among_them() {
        let words = |words: &[&str]| shown(&words.iter().map(OsString::from).collect::<Vec<_>>()).join(" ");
        assert_eq!(
            words(&["up", "--database-url", "canary", "--steps", "1"]),
            "up --database-url *** --steps 1"
        );
        assert_eq!(words(&["up", "--database-url=x://a:canary@b"]), "up --database-url=***");
        assert_eq!(words(&["rehearse", "--server", "host=a password=ca nary"]), "rehearse --server ***");
        assert_eq!(words(&["--force", "it's me, password=canary"]), "--force 'it'\\''s me, password=***'");
        assert_eq!(words(&["--force", "postgres://a:canary@b/c", ""]), "--force 'postgres://a:***@b/c' ''");
    }
}
