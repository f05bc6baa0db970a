//! Names as SQL writes them: `public.orders`, `"Odd name".id`.

/// The parts of a qualified name, unquoted; what is not in double quotes is folded to lower case as SQL does. `None`
/// where the text is no name.
///
/// The rest of the text, from the first character that cannot go on with the name, comes back with it.
pub fn parts(text: &str) -> Option<(Vec<String>, &str)> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (part, after) = part(rest)?;
        parts.push(part);
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None => return Some((parts, after)),
        }
    }
}

fn part(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find(|c: char| !is_plain(c)).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_lowercase(), &text[end..]));
    };
    let mut name = String::new();
    loop {
        let (before, after) = rest.split_once('"')?;
        name.push_str(before);
        match after.strip_prefix('"') {
            Some(next) => {
                name.push('"');
                rest = next;
            }
            None => return (!name.is_empty()).then_some((name, after)),
        }
    }
}

/// A part of a name as it has to be written: in double quotes where it would be folded or cut otherwise.
pub fn written(part: &str) -> String {
    let plain = part.chars().all(|c| is_plain(c) && !c.is_uppercase());
    let begins = part.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if plain && begins { part.to_owned() } else { format!("\"{}\"", part.replace('"', "\"\"")) }
}

/// What stands in a name without quotes ("Identifiers and Key Words" in PostgreSQL's manual).
fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// The number of insertions, deletions and replacements between two words (Levenshtein).
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// The known name that is fewest edits away, if that is few enough to be a slip.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (edits, near) = known.into_iter().map(|known| (distance(name, known), known)).min()?;
    (edits <= 1 + near.chars().count() / 4).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_sql_reads_them() {
        let read = |text| parts(text).map(|(parts, rest)| (parts.join("|"), rest.to_owned()));
        let table = [
            ("Orders.total rest", Some(("orders|total", " rest"))),
            ("\"Orders\".\"a\"\"b.c\": x", Some(("Orders|a\"b.c", ": x"))),
            ("größe_1$(", Some(("größe_1$", "("))),
            ("", None),
            ("a.", None),
            (".a", None),
            ("\"a", None),
            ("\"\"", None),
        ];
        for (text, expected) in table {
            assert_eq!(read(text), expected.map(|(a, b)| (a.to_owned(), b.to_owned())), "{text}");
        }
    }

    #[test]
    fn a_name_is_written_so_that_it_is_read_again() {
        for (part, text) in
            [("orders", "orders"), ("Odd", "\"Odd\""), ("a\"b", "\"a\"\"b\""), ("1a", "\"1a\"")]
        {
            assert_eq!(written(part), text);
            assert_eq!(parts(text).map(|(parts, _)| parts), Some(vec![part.to_owned()]));
        }
    }

    #[test]
    fn the_nearest_is_a_slip_away_or_none() {
        assert_eq!(nearest("totl", ["total", "id"]), Some("total"));
        assert_eq!(nearest("customer", ["total", "id"]), None);
    }
}
