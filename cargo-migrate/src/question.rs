//! Questions to a person: only on a terminal, never answered by silence.

use crate::records::Level;
use crate::{Context, Problem};

/// Asks whether to go on. `yes` is the answer that was given beforehand.
pub(crate) fn confirm(context: &Context, question: &str, yes: bool) -> Result<(), Problem> {
    if yes {
        return Ok(());
    }
    match ask(context, question, "[y/N]")?.as_deref() {
        Some("y" | "yes") => Ok(()),
        _ => Err(Problem::Declined),
    }
}

/// Asks, and returns the answer in lower case; `None` at the end of the input.
pub(crate) fn ask(context: &Context, question: &str, choices: &str) -> Result<Option<String>, Problem> {
    if !context.stdin.is_terminal() {
        return Err(Problem::NeedsYes { question: question.to_owned() });
    }
    context.stderr.write(&format!("{} {choices} ", crate::render::escape(question)));
    let waits = context.waits_for_a_person();
    let answer = context.stdin.line().map_err(Problem::io("standard input"))?;
    drop(waits);
    let answer = answer.map(|answer| answer.trim().to_lowercase());
    if let Some(logbook) = context.records.get() {
        let given = answer.as_deref().unwrap_or_default();
        let message = format!("{question} {choices} {given}");
        let fields = serde_json::json!({ "message": message, "question": question, "answer": answer });
        logbook.line(Level::Info, "asked", fields);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::path::Path;

    use super::*;
    use crate::context::{Input, testing};

    #[test]
    fn only_a_clear_yes_goes_on() {
        let (mut context, written) = testing::context(Path::new("/"));
        for (answer, goes_on) in [("y\n", true), ("Yes\n", true), ("n\n", false), ("\n", false), ("", false)]
        {
            context.stdin = Input::new(Cursor::new(answer), true);
            assert_eq!(confirm(&context, "go on?", false).is_ok(), goes_on, "{answer:?}");
        }
        assert!(written.stderr.text().starts_with("go on? [y/N] "));
    }

    #[test]
    fn nobody_there_is_a_refusal() {
        let (context, written) = testing::context(Path::new("/"));
        assert!(matches!(confirm(&context, "go on?", false), Err(Problem::NeedsYes { .. })));
        assert!(confirm(&context, "go on?", true).is_ok());
        assert_eq!(written.stderr.text(), "");
    }
}
