//! What a person, or a program, reads after Ctrl-C.

use serde_json::json;

use super::ui::write_line;
use crate::Stream;

/// Who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// A program: lines of JSON.
    Program,
    /// A person at a terminal that has a live line to take away first.
    Terminal,
    /// A file, or a terminal that cannot do that.
    File,
}

/// What is said after the first signal, while the engine works.
pub(crate) const STOPPING: &str =
    "stopping: the statement in flight is cancelled and its transaction rolled back (again: leave at once)";

/// What is said after the second.
pub(crate) const LEAVING: &str = "left at once: the server rolls back what was in flight, as soon as it notices; \
                                  `cargo migrate status` shows what is applied";

/// After the first signal, while the engine works.
pub(crate) fn stopping(stderr: &Stream, reader: Reader, signal: u8) {
    tell(stderr, reader, "stopping", signal, STOPPING);
}

/// After the second.
pub(crate) fn leaving(stderr: &Stream, reader: Reader, signal: u8) {
    tell(stderr, reader, "leaving", signal, LEAVING);
}

fn tell(stderr: &Stream, reader: Reader, event: &str, signal: u8, text: &str) {
    match reader {
        Reader::Program => write_line(stderr, json!({ "event": event, "signal": signal })),
        Reader::Terminal => stderr.write(&format!("\r\u{1b}[K{text}\n")),
        Reader::File => stderr.write(&format!("{text}\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::testing::Buffer;

    #[test]
    fn each_reader_gets_its_own() {
        let said = |reader| {
            let buffer = Buffer::default();
            stopping(&Stream::new(buffer.clone(), None), reader, 2);
            leaving(&Stream::new(buffer.clone(), None), reader, 15);
            buffer.text()
        };
        let file = said(Reader::File);
        assert!(file.starts_with("stopping: ") && file.contains("\nleft at once: "), "{file}");
        assert_eq!(said(Reader::Terminal).replace("\r\u{1b}[K", ""), file);
        let schema = super::super::ui::SCHEMA;
        assert_eq!(
            said(Reader::Program),
            format!(
                "{{\"schema\":\"{schema}\",\"event\":\"stopping\",\"signal\":2}}\n\
                 {{\"schema\":\"{schema}\",\"event\":\"leaving\",\"signal\":15}}\n"
            )
        );
    }
}
