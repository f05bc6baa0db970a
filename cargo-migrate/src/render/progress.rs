//! The live line of a terminal: what is in flight, drawn over and over in its place by `indicatif`.

use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use crate::Stream;

/// On a narrower terminal there is no live line: a spinner and a cut name say nothing, and `indicatif` counts on its
/// template's fixed part to have room.
const LEAST: usize = 16;

/// One line at the bottom that the next one replaces.
pub(crate) struct LiveLine {
    stderr: Stream,
    /// The terminal's width; without one there is no live line.
    width: Option<usize>,
    /// While something is shown.
    bar: Option<ProgressBar>,
}

impl LiveLine {
    pub(crate) fn new(stderr: Stream, width: Option<usize>) -> Self {
        Self { stderr, width: width.filter(|width| *width >= LEAST), bar: None }
    }

    /// Whether there is a terminal to show it on.
    pub(crate) fn is_live(&self) -> bool {
        self.width.is_some()
    }

    /// Shows this text in place of the last.
    ///
    /// It is drawn when it is called and at no other time: the engine's events come each second, so that no thread of its
    /// own has to write to the terminal while others do.
    pub(crate) fn show(&mut self, text: &str) {
        let Some(width) = self.width else { return };
        let bar = self.bar.get_or_insert_with(|| {
            let terminal = Terminal { stderr: self.stderr.clone(), width, drawn: Mutex::default() };
            let target = ProgressDrawTarget::term_like(Box::new(terminal));
            ProgressBar::with_draw_target(None, target).with_style(style())
        });
        bar.set_message(text.to_owned());
        bar.tick();
    }

    /// Takes it away.
    pub(crate) fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Writes lines that stay, above it.
    pub(crate) fn print(&mut self, lines: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.stderr.write(lines)),
            None => self.stderr.write(lines),
        }
    }
}

fn style() -> ProgressStyle {
    // A template that cannot be read would be a line without a spinner, not a failure of a migration.
    ProgressStyle::with_template("{spinner} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// The terminal behind a stream, as `indicatif` sees it. What it draws is written in one piece, so that it does not mix
/// with what another thread writes.
struct Terminal {
    stderr: Stream,
    width: usize,
    drawn: Mutex<String>,
}

impl Terminal {
    fn add(&self, text: &str) -> io::Result<()> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
        Ok(())
    }

    fn step(&self, n: usize, letter: char) -> io::Result<()> {
        if n == 0 { Ok(()) } else { self.add(&format!("\u{1b}[{n}{letter}")) }
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal").field("width", &self.width).finish_non_exhaustive()
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        u16::try_from(self.width).unwrap_or(u16::MAX)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.step(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.step(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.step(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.step(n, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.add(text)?;
        self.add("\n")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.add(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.add("\r\u{1b}[2K")
    }

    fn flush(&self) -> io::Result<()> {
        let drawn = std::mem::take(&mut *self.drawn.lock().unwrap_or_else(PoisonError::into_inner));
        self.stderr.write(&drawn);
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! A terminal whose screen can be looked at.

    use std::io::Write;

    use indicatif::{InMemoryTerm, TermLike};

    use super::*;

    /// What stands on a terminal of this size.
    #[derive(Clone, Debug)]
    pub(crate) struct Screen(InMemoryTerm);

    impl Screen {
        pub(crate) fn new(width: u16) -> Self {
            Self(InMemoryTerm::new(30, width))
        }

        /// The lines on it, without the blanks at their ends.
        pub(crate) fn text(&self) -> String {
            let lines = self.0.contents();
            lines.split('\n').map(|line| format!("{}\n", line.trim_end())).collect()
        }
    }

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // A terminal's driver turns a line feed into both.
            self.0.write_str(&String::from_utf8_lossy(bytes).replace('\n', "\r\n"))?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::testing::Buffer;

    #[test]
    fn the_line_is_replaced_and_taken_away() {
        let screen = testing::Screen::new(16);
        let mut line = LiveLine::new(Stream::new(screen.clone(), Some(16)), Some(16));
        line.show("on\u{e9} and two and three");
        assert_eq!(screen.text(), "⠁ oné and two an\n");
        line.print("stays\nthis too\n");
        line.show("x");
        assert_eq!(screen.text(), "stays\nthis too\n⠉ x\n");
        line.clear();
        line.clear();
        assert_eq!(screen.text(), "stays\nthis too\n");
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

    #[test]
    fn a_wide_character_at_the_edge_fits_every_width() {
        for width in 0..40 {
            let buffer = Buffer::default();
            let mut line = LiveLine::new(Stream::new(buffer.clone(), Some(width)), Some(width));
            line.show(&"数".repeat(30));
            line.show(&format!("a{}", "数".repeat(30)));
            line.print("stays\n");
            line.clear();
            assert!(buffer.text().contains("stays\n"));
        }
    }
}
