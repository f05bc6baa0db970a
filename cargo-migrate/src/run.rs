//! The entry: arguments in, exit code out.

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches};
use migrate_core::sql::mask_text;

use crate::args::{Cli, ColorWhen};
use crate::command::{self, Call, Typed};
use crate::render::{Paint, Ui, escape};
use crate::{Context, Exit, Problem};

/// Runs one command line. `arguments` are those of the process, the program's name first; cargo hands in the name of
/// the subcommand after it, which is dropped.
pub fn run(arguments: impl IntoIterator<Item = OsString>, context: &Context) -> Exit {
    let mut arguments: Vec<_> = arguments.into_iter().collect();
    if arguments.get(1).is_some_and(|first| first == "migrate") {
        arguments.remove(1);
    }
    let typed = arguments.get(1..).unwrap_or_default().to_vec();
    let exit = match parse(arguments, context) {
        Ok(cli) => run_verb(&cli, &typed, context),
        Err(exit) => exit,
    };
    match context.stdout.failure() {
        // Whoever redirected the result into a full disk does not have it.
        Some(error) if exit == Exit::Success => {
            context.stderr.write(&format!("error: standard output could not be written: {error}\n"));
            Exit::Usage
        }
        _ => exit,
    }
}

fn parse(arguments: Vec<OsString>, context: &Context) -> Result<Cli, Exit> {
    let width = context.stdout.terminal().unwrap_or(100).clamp(40, 100);
    let typed_escapes = arguments.iter().any(|argument| argument.to_string_lossy().contains('\u{1b}'));
    let matches = Cli::command().term_width(width).try_get_matches_from(arguments);
    matches.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(|error| {
        let (stream, exit) = match error.use_stderr() {
            true => (&context.stderr, Exit::Usage),
            false => (&context.stdout, Exit::Success),
        };
        let text = error.render();
        let plain = text.to_string();
        // What was typed stands in it: passwords, and colours, which cannot be told apart from clap's own then.
        let masked = if error.use_stderr() { mask_text(&plain) } else { plain.as_str().into() };
        let safe = escape(&masked);
        let is_safe = plain == safe && !typed_escapes;
        match is_safe && Paint::of(stream, ColorWhen::Auto, &context.env).on {
            true => stream.write(&text.ansi().to_string()),
            false => stream.write(&safe),
        }
        exit
    })
}

fn run_verb(cli: &Cli, arguments: &[OsString], context: &Context) -> Exit {
    let ui = Ui::new(&cli.global, context);
    let _trace = ui.trace();
    let typed = Typed { verb: cli.verb.name(), recorded: cli.verb.recorded(), arguments };
    let call = Call::new(&cli.global, context, &ui, &typed);
    match check_format(cli).and_then(|()| command::run(&cli.verb, &call)) {
        Ok(answer) => {
            ui.answer(cli.verb.name(), &*answer.view, answer.exit);
            answer.exit
        }
        Err(error) => {
            let exit = Exit::of(&error);
            ui.fail(cli.verb.name(), &error, exit, call.dir());
            exit
        }
    }
}

/// Refuses a format that the verb does not write.
fn check_format(cli: &Cli) -> anyhow::Result<()> {
    let (verb, format, known) = (cli.verb.name(), cli.global.format, cli.verb.formats());
    if known.contains(&format) {
        return Ok(());
    }
    let known: Vec<_> = known.iter().map(|format| format.name()).collect();
    Err(Problem::Usage {
        what: format!("`{verb}` has no output in the format `{}`", format.name()),
        hint: format!("it knows {}", known.join(" and ")),
    }
    .into())
}
