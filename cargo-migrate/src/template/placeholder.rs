//! `{{name}}` and `{{name:default}}` in a text.

/// A placeholder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placeholder {
    /// What `--param` calls it.
    pub(crate) name: String,
    /// What stands there when nobody says otherwise.
    pub(crate) default: Option<String>,
}

/// The placeholders of a text, in order, each as often as it stands there.
pub(super) fn find(text: &str) -> Vec<Placeholder> {
    pieces(text).into_iter().filter_map(|(_, placeholder)| placeholder).collect()
}

/// The text with each placeholder replaced by what `value` has for its name.
pub(super) fn fill(text: &str, value: impl Fn(&str) -> String) -> String {
    let mut filled = String::with_capacity(text.len());
    for (plain, placeholder) in pieces(text) {
        filled.push_str(plain);
        if let Some(placeholder) = placeholder {
            filled.push_str(&value(&placeholder.name));
        }
    }
    filled
}

/// Plain text, each piece with the placeholder that follows it. Braces around what is no name are plain text: SQL has
/// arrays of arrays (`'{{1,2},{3,4}}'`).
fn pieces(text: &str) -> Vec<(&str, Option<Placeholder>)> {
    let mut pieces = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(open) = text[at..].find("{{").map(|open| at + open) {
        let Some(close) = text[open..].find("}}").map(|close| open + close) else { break };
        let inner = &text[open + 2..close];
        let (name, default) =
            inner.split_once(':').map_or((inner, None), |(name, default)| (name, Some(default)));
        let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if is_name {
            let placeholder = Placeholder { name: name.to_owned(), default: default.map(str::to_owned) };
            pieces.push((&text[from..open], Some(placeholder)));
            (from, at) = (close + 2, close + 2);
        } else {
            at = open + 2;
        }
    }
    pieces.push((&text[from..], None));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found_and_filled() {
        let text = "a {{x}} b {{y:de:fault '}'}} {{x:}} {{1,2},{3}} {{ z }} {{open";
        let found: Vec<_> = find(text).into_iter().map(|one| (one.name, one.default)).collect();
        assert_eq!(
            found,
            [
                ("x".into(), None),
                ("y".into(), Some("de:fault '}'".into())),
                ("x".into(), Some(String::new()))
            ]
        );
        assert_eq!(fill(text, |name| format!("<{name}>")), "a <x> b <y> <x> {{1,2},{3}} {{ z }} {{open");
    }

    #[test]
    fn a_value_is_not_looked_into() {
        assert_eq!(fill("{{x}}", |_| "{{x}}".to_owned()), "{{x}}");
    }
}
