//! Colours, where they are wanted: by `--color`, `NO_COLOR`, `CLICOLOR_FORCE` and the terminal, in this order.

use anstyle::{AnsiColor, Style};

use crate::args::ColorWhen;
use crate::{Environment, Stream};

/// Paints or does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Paint {
    pub(crate) on: bool,
}

impl Paint {
    /// Whether a stream gets colours.
    pub(crate) fn of(stream: &Stream, when: ColorWhen, env: &Environment) -> Self {
        let on = match when {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            // https://no-color.org and https://bixense.com/clicolors: an empty variable says nothing.
            ColorWhen::Auto if env.get("NO_COLOR").is_some() => false,
            ColorWhen::Auto if env.get("CLICOLOR_FORCE").is_some_and(|force| force != "0") => true,
            ColorWhen::Auto if env.get("CLICOLOR") == Some("0") => false,
            ColorWhen::Auto => stream.terminal().is_some() && env.get("TERM") != Some("dumb"),
        };
        Self { on }
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    pub(crate) fn warn(self, text: &str) -> String {
        self.with(AnsiColor::Yellow.on_default().bold(), text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    pub(crate) fn note(self, text: &str) -> String {
        self.with(AnsiColor::Cyan.on_default(), text)
    }

    pub(crate) fn faint(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    fn with(self, style: Style, text: &str) -> String {
        if self.on { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_argument_then_the_variables_then_the_terminal() {
        let terminal = Stream::new(std::io::sink(), Some(80));
        let pipe = Stream::new(std::io::sink(), None);
        type Row<'a> = (&'a Stream, ColorWhen, &'a [(&'a str, &'a str)], bool);
        let table: [Row; 11] = [
            (&terminal, ColorWhen::Auto, &[], true),
            (&pipe, ColorWhen::Auto, &[], false),
            (&terminal, ColorWhen::Auto, &[("TERM", "dumb")], false),
            (&terminal, ColorWhen::Auto, &[("NO_COLOR", "1")], false),
            (&terminal, ColorWhen::Auto, &[("NO_COLOR", "")], true),
            (&terminal, ColorWhen::Auto, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false),
            (&pipe, ColorWhen::Auto, &[("CLICOLOR_FORCE", "1")], true),
            (&pipe, ColorWhen::Auto, &[("CLICOLOR_FORCE", "0")], false),
            (&terminal, ColorWhen::Auto, &[("CLICOLOR", "0")], false),
            (&pipe, ColorWhen::Always, &[("NO_COLOR", "1")], true),
            (&terminal, ColorWhen::Never, &[("CLICOLOR_FORCE", "1")], false),
        ];
        for (stream, when, env, on) in table {
            let env = env.iter().copied().collect();
            assert_eq!(Paint::of(stream, when, &env).on, on, "{when:?} {env:?}");
        }
    }

    #[test]
    fn without_colour_text_is_untouched() {
        assert_eq!(Paint { on: false }.bad("x"), "x");
        assert!(Paint { on: true }.bad("x").contains("\u{1b}["));
    }
}
