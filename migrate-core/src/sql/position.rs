//! Byte offsets of a text as lines and columns: the one place that counts them.

/// A place in a text as a person names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineColumn {
    /// The line, from 1. LF, CR LF and a lone CR end a line.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
}

impl LineColumn {
    /// Where byte `offset` of `text` is. An offset behind the end is the end; one inside a character is its start.
    pub fn of(text: &str, offset: usize) -> Self {
        let before = &text.as_bytes()[..offset.min(text.len())];
        let next = text.as_bytes().get(before.len());
        // The CR of a CR LF does not end a line: its LF does.
        let ends_line = |at: usize, byte: u8| {
            byte == b'\n' || byte == b'\r' && before.get(at + 1).or(next) != Some(&b'\n')
        };
        let mut line = 1;
        let mut start = 0;
        for (at, &byte) in before.iter().enumerate() {
            if ends_line(at, byte) {
                line += 1;
                start = at + 1;
            }
        }
        // Continuation bytes of UTF-8 are no characters of their own.
        let is_start = |byte: &&u8| **byte & 0xC0 != 0x80;
        let mut column = 1 + before[start..].iter().filter(is_start).count();
        if next.is_some_and(|byte| !is_start(&byte)) {
            column -= 1;
        }
        Self { line, column }
    }
}

#[cfg(test)]
mod tests {
    use super::LineColumn;

    fn of(text: &str, offset: usize) -> (usize, usize) {
        let place = LineColumn::of(text, offset);
        (place.line, place.column)
    }

    #[test]
    fn counts_characters_from_one() {
        assert_eq!(of("", 0), (1, 1));
        assert_eq!(of("ab\ncd", 2), (1, 3));
        assert_eq!(of("ab\ncd", 3), (2, 1));
        assert_eq!(of("ab\ncd", 99), (2, 3));
        assert_eq!(of("é€😀x", 9), (1, 4));
    }

    #[test]
    fn an_offset_inside_a_character_is_its_start() {
        assert_eq!(of("a€b", 2), (1, 2));
        assert_eq!(of("a€b", 3), (1, 2));
        assert_eq!(of("a€b", 4), (1, 3));
    }

    #[test]
    fn a_lone_cr_ends_a_line_and_cr_lf_ends_one() {
        assert_eq!(of("a\rb", 2), (2, 1));
        assert_eq!(of("a\r\nb", 1), (1, 2));
        assert_eq!(of("a\r\nb", 2), (1, 3));
        assert_eq!(of("a\r\nb", 3), (2, 1));
    }
}
