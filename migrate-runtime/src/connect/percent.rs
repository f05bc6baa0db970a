//! Percent-encoding of connection URLs (RFC 3986, section 2.1).

use std::fmt::Write as _;

/// The decoded text; `None` where a `%` is not followed by two hex digits, or where the result has a NUL or is not
/// UTF-8. A `+` stays a `+`, as in libpq.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok().filter(|byte| *byte != 0)?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The text with everything encoded that a URL cannot have in this place; `keep` are characters that stay besides
/// letters, digits and `-._~`.
pub(super) fn encode(text: &str, keep: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_alphanumeric() || "-._~".contains(character) || keep.contains(character) {
            out.push(character);
        } else {
            let mut buffer = [0; 4];
            for byte in character.encode_utf8(&mut buffer).bytes() {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_and_encodes() {
        assert_eq!(decode("p%40ss%3a%2F%25+x").as_deref(), Some("p@ss:/%+x"));
        assert_eq!(decode("%c3%A9").as_deref(), Some("é"));
        for bad in ["%", "%4", "%zz", "%+1", "%00", "%ff"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
        assert_eq!(encode("a b@c/é\u{1b}", "/"), "a%20b%40c/%C3%A9%1B");
        assert_eq!(decode(&encode("p@s:s/%\n", "")).as_deref(), Some("p@s:s/%\n"));
    }
}
