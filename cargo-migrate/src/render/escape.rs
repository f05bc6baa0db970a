//! The one door to the terminal for text that is not ours: names, paths, SQL, what the server says.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with everything that a terminal would obey, or that would reorder the line, spelled out; line feeds and
/// tabs stay.
///
/// That is C0 and DEL, C1 (which a terminal may take as CSI and OSC), the bidirectional controls (CVE-2021-42574), and
/// characters that are not seen at all.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    spell_out(text, |c| c != '\n' && c != '\t' && is_hidden(c))
}

/// [`escape`] for what has to stay in one line: a name, a path, a cell of a table.
pub(crate) fn escape_line(text: &str) -> Cow<'_, str> {
    spell_out(text, is_hidden)
}

/// JSON that is already valid, with what hides in it written as `\u…`: a log viewer is a terminal too.
pub(crate) fn escape_json(json: &str) -> Cow<'_, str> {
    if !json.contains(|c| is_hidden(c) && c != '\n') {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_hidden(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

fn spell_out(text: &str, hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&hidden) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            _ if !hidden(c) => safe.push(c),
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            _ => {
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
            }
        }
    }
    Cow::Owned(safe)
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What nobody may write to a terminal.
    fn harmless(text: &str) -> bool {
        text.chars().all(|c| (c >= ' ' || c == '\n' || c == '\t') && !is_hidden_by_hand(c))
    }

    fn is_hidden_by_hand(c: char) -> bool {
        matches!(c, '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    }

    const NASTY: &str = "a\u{1b}[2J\u{1b}]0;t\u{7}b\rc\u{9b}31m\u{202e}d\u{2066}e\0\u{7f}\u{8}";

    #[test]
    fn what_a_terminal_obeys_is_spelled_out() {
        let shown = escape(NASTY);
        assert!(harmless(&shown), "{shown:?}");
        assert_eq!(
            shown,
            "a\\u{1b}[2J\\u{1b}]0;t\\u{7}b\\rc\\u{9b}31m\\u{202e}d\\u{2066}e\\u{0}\\u{7f}\\u{8}"
        );
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        for text in ["", "häuser 数 🎉", "a\n\tb"] {
            assert!(matches!(escape(text), Cow::Borrowed(same) if same == text));
        }
        assert_eq!(escape_line("a\n\tb"), "a\\n\\tb");
    }

    #[test]
    fn every_character_below_u_3000_is_harmless_after_it() {
        let all: String = (0..0x3000).filter_map(char::from_u32).collect();
        assert!(harmless(&escape(&all)));
        assert!(!escape_line(&all).contains(['\n', '\t']));
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({ "text": format!("{NASTY}\u{E0001}") });
        let json = serde_json::to_string(&value).unwrap();
        let safe = escape_json(&json);
        assert!(harmless(&safe), "{safe}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
    }
}
