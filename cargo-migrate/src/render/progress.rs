//! The live line of a terminal: what is in flight, written over and over in its place.

use super::table::cut;
use crate::Stream;

/// One line at the bottom that the next one replaces.
pub(crate) struct LiveLine {
    stderr: Stream,
    /// The terminal's width; without one there is no live line.
    width: Option<usize>,
    shown: bool,
}

impl LiveLine {
    pub(crate) fn new(stderr: Stream, width: Option<usize>) -> Self {
        Self { stderr, width, shown: false }
    }

    /// Whether there is a terminal to show it on.
    pub(crate) fn is_live(&self) -> bool {
        self.width.is_some()
    }

    /// Shows this text in place of the last.
    pub(crate) fn show(&mut self, text: &str) {
        if let Some(width) = self.width {
            // A line as wide as the terminal would wrap, and a wrapped line is not taken away again.
            self.stderr.write(&format!("\r\u{1b}[K{}", cut(text, width.saturating_sub(1))));
            self.shown = true;
        }
    }

    /// Takes it away.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            self.stderr.write("\r\u{1b}[K");
        }
    }

    /// Writes lines that stay, above it.
    pub(crate) fn print(&mut self, lines: &str) {
        if std::mem::take(&mut self.shown) {
            self.stderr.write(&format!("\r\u{1b}[K{lines}"));
        } else {
            self.stderr.write(lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::testing::Buffer;

    #[test]
    fn the_line_is_replaced_and_taken_away() {
        let buffer = Buffer::default();
        let mut line = LiveLine::new(Stream::new(buffer.clone(), Some(6)), Some(6));
        line.show("abcdefgh");
        line.print("stays\n");
        line.show("x");
        line.clear();
        line.clear();
        assert_eq!(buffer.text(), "\r\u{1b}[Kabcd…\r\u{1b}[Kstays\n\r\u{1b}[Kx\r\u{1b}[K");
    }

    #[test]
    fn no_terminal_no_live_line() {
        let buffer = Buffer::default();
        let mut line = LiveLine::new(Stream::new(buffer.clone(), None), None);
        line.show("x");
        line.print("stays\n");
        line.clear();
        assert_eq!(buffer.text(), "stays\n");
    }
}
