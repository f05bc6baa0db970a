//! Bytes of a file to the text that is hashed and run.

/// Why the bytes of a file are not the text of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// The bytes are UTF-16, as some editors on Windows save them.
    #[error("the file is UTF-16, not UTF-8")]
    Utf16,
    /// The bytes are not UTF-8.
    #[error("byte {offset} (0x{byte:02x}) is not UTF-8")]
    NotUtf8 {
        /// From 0, in the file as it is on disk.
        offset: usize,
        /// The first byte that does not fit.
        byte: u8,
    },
    /// PostgreSQL takes no NUL in a statement.
    #[error("byte {offset} is NUL, which PostgreSQL takes in no statement")]
    Nul {
        /// From 0, in the file as it is on disk.
        offset: usize,
    },
}

impl TextError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Utf16 => "save the file as UTF-8 (`iconv -f UTF-16 -t UTF-8`)".to_owned(),
            Self::NotUtf8 { .. } => {
                "save the file as UTF-8; for Latin-1 text: `iconv -f LATIN1 -t UTF-8`".to_owned()
            }
            Self::Nul { .. } => "remove the NUL byte; write binary values as `'\\x00'::bytea`".to_owned(),
        }
    }
}

const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The text of a file: one leading byte-order mark removed, CRLF turned into LF, nothing else.
///
/// A lone CR stays, and so does white space at the end of a line: what is not normalised here is part of what runs.
///
/// # Errors
/// Bytes that are not UTF-8, and NUL, with the offset in `bytes`.
pub fn normalise(bytes: &[u8]) -> Result<String, TextError> {
    if looks_like_utf16(bytes) {
        return Err(TextError::Utf16);
    }
    let start = if bytes.starts_with(UTF8_MARK) { UTF8_MARK.len() } else { 0 };
    let text = std::str::from_utf8(&bytes[start..]).map_err(|error| {
        let offset = start + error.valid_up_to();
        TextError::NotUtf8 { offset, byte: bytes.get(offset).copied().unwrap_or_default() }
    })?;
    if let Some(offset) = text.bytes().position(|byte| byte == 0) {
        return Err(TextError::Nul { offset: start + offset });
    }
    Ok(text.replace("\r\n", "\n"))
}

/// A UTF-16 byte-order mark, or every other one of the first bytes NUL as in ASCII text without the mark.
fn looks_like_utf16(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return true;
    }
    let head = &bytes[..bytes.len().min(64) & !1];
    let nul_only_in = |half: usize| {
        head.len() >= 4 && head.chunks_exact(2).all(|pair| pair[half] == 0 && pair[1 - half] != 0)
    };
    nul_only_in(0) || nul_only_in(1)
}

/// The lines of a text without their ends, where LF, CRLF and a lone CR each end a line.
///
/// PostgreSQL's scanner ends a `--` comment at a lone CR (`scan.l`, `non_newline`); [`str::lines`] does not. As there, an end at
/// the end of the text starts no further line.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(['\r', '\n']).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        rest = tail.strip_prefix("\r\n").or_else(|| tail.strip_prefix(['\r', '\n'])).unwrap_or(tail);
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_one_mark_and_turns_crlf_into_lf() {
        let cases: [(&[u8], &str); 8] = [
            (b"", ""),
            (b"a\nb\n", "a\nb\n"),
            (b"a\r\nb\r\n", "a\nb\n"),
            (b"a\rb", "a\rb"),
            (b"a\r\r\nb", "a\r\nb"),
            (b"\xEF\xBB\xBFa", "a"),
            (b"\xEF\xBB\xBF\xEF\xBB\xBFa", "\u{FEFF}a"),
            (b"a \t\x1a", "a \t\x1a"),
        ];
        for (bytes, text) in cases {
            assert_eq!(normalise(bytes).as_deref(), Ok(text), "{bytes:?}");
        }
    }

    #[test]
    fn refuses_with_the_offset_on_disk() {
        let cases: [(&[u8], TextError); 7] = [
            (b"ab\xE9c", TextError::NotUtf8 { offset: 2, byte: 0xE9 }),
            (b"\xEF\xBB\xBFab\xE9c", TextError::NotUtf8 { offset: 5, byte: 0xE9 }),
            (b"ab\xC3", TextError::NotUtf8 { offset: 2, byte: 0xC3 }),
            (b"select\0", TextError::Nul { offset: 6 }),
            (b"\xFF\xFEs\0e\0", TextError::Utf16),
            (b"\xFE\xFF\0s\0e", TextError::Utf16),
            (b"s\0e\0l\0", TextError::Utf16),
        ];
        for (bytes, error) in cases {
            assert_eq!(normalise(bytes), Err(error), "{bytes:?}");
            assert!(!error.hint().is_empty());
        }
    }

    #[test]
    fn lines_end_at_lf_crlf_and_cr() {
        let split = |text| lines(text).collect::<Vec<_>>();
        assert_eq!(split("a\nb\r\nc\rd"), ["a", "b", "c", "d"]);
        assert_eq!(split("a\n\r\n\r\rb\n"), ["a", "", "", "", "b"]);
        assert_eq!(split("a\r\n"), ["a"]);
        assert_eq!(split(""), [""; 0]);
    }
}
