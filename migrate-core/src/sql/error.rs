//! Why a script is refused.

use super::position::LineColumn;

/// A script that is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {reason}")]
#[non_exhaustive]
pub struct ScriptError {
    /// The file, as it was given to `Script::parse`.
    pub file: String,
    /// The byte of the normalised text where the fault starts.
    pub offset: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its column, from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub reason: Reason,
}

impl ScriptError {
    pub(crate) fn new(file: &str, text: &str, offset: usize, reason: Reason) -> Self {
        let LineColumn { line, column } = LineColumn::of(text, offset);
        Self { file: file.to_owned(), offset, line, column, reason }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        self.reason.hint()
    }
}

/// What is wrong with a script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Nothing but white space, comments and what is not sent.
    #[error("there is no statement in this file")]
    Empty,
    /// A directive that does not exist.
    #[error("unknown directive `{found}`")]
    UnknownDirective {
        /// As written.
        found: String,
        /// The known directive that looks most like it.
        nearest: Option<&'static str>,
    },
    /// `-- migrate no-transaction`.
    #[error("the directive `{directive}` needs a colon after `migrate`")]
    MissingColon {
        /// The directive.
        directive: &'static str,
    },
    /// A directive with no name: `-- migrate:`.
    #[error("this directive has no name")]
    NoDirective,
    /// A timeout that is not a whole number with a unit.
    #[error("`{value}` is not a duration for `{directive}`")]
    BadDuration {
        /// The directive.
        directive: &'static str,
        /// As written.
        value: String,
    },
    /// `irreversible` or `allow` without its reason, or `allow` without its rule.
    #[error("the directive `{directive}` says no {missing}")]
    MissingArgument {
        /// The directive.
        directive: &'static str,
        /// `reason` or `rule`.
        missing: &'static str,
    },
    /// A directive that takes nothing, with something behind it.
    #[error("the directive `{directive}` takes nothing behind it, but `{value}` stands there")]
    UnexpectedArgument {
        /// The directive.
        directive: &'static str,
        /// As written.
        value: String,
    },
    /// The same directive twice.
    #[error("the directive `{directive}` stands twice in this file")]
    RepeatedDirective {
        /// The directive.
        directive: &'static str,
    },
    /// A directive behind the first statement.
    #[error("a directive must stand before the first statement of its file")]
    LateDirective,
    /// `irreversible` in a down file.
    #[error("a down file cannot be irreversible")]
    IrreversibleDown,
    /// A comment with which another tool keeps up and down in one file.
    #[error("`-- {mark}` is a mark of {tool}")]
    OtherTool {
        /// The tool.
        tool: &'static str,
        /// As written, without the dashes.
        mark: String,
    },
    /// A meta-command of psql.
    #[error("`\\{command}` is a command of psql, not SQL")]
    MetaCommand {
        /// Its name, without the backslash.
        command: String,
    },
    /// A variable of psql.
    #[error("`{variable}` is a variable of psql, not SQL")]
    Variable {
        /// As written, with its colon.
        variable: String,
    },
    /// Transaction control in a script that runs in a transaction.
    #[error("`{command}` in a migration that runs in one transaction together with its history row")]
    TransactionControl {
        /// The command.
        command: &'static str,
    },
    /// `BEGIN ISOLATION LEVEL …` around a whole script.
    #[error("`{command}` with an isolation level or an access mode around the whole migration")]
    TransactionModes {
        /// The command.
        command: &'static str,
    },
    /// Something like `CREATE INDEX CONCURRENTLY` between `BEGIN` and `COMMIT`.
    #[error("`{command}` cannot run between `BEGIN` and `COMMIT`")]
    NoTransactionInBlock {
        /// The command.
        command: &'static str,
    },
    /// A `BEGIN` under `no-transaction` that nothing ends.
    #[error("the transaction that `{command}` starts here is never committed")]
    NeverCommitted {
        /// The command.
        command: &'static str,
    },
    /// A quote or a comment that does not end.
    #[error("this {what} is not terminated")]
    Unterminated {
        /// What it is.
        what: &'static str,
        /// What would end it.
        terminator: String,
    },
    /// A parenthesis that is still open where the statement ends.
    #[error("this parenthesis is still open where its statement ends")]
    UnclosedParenthesis,
    /// `BEGIN ATOMIC` without its `END`.
    #[error("this function body has no `END`")]
    UnterminatedBody,
    /// Something behind `COPY … FROM STDIN;` on its line.
    #[error("something stands behind `COPY … FROM STDIN;` on its line")]
    CopyLine,
    /// Something else than a query in a file of checks.
    #[error("`{command}` in a file of checks, where only queries stand")]
    NotAQuery {
        /// Its first word.
        command: String,
    },
    /// A check that writes or locks.
    #[error("a check only looks, and this one does `{command}`")]
    ChangesData {
        /// The command.
        command: &'static str,
    },
    /// A parenthesis that closes nothing.
    #[error("this parenthesis closes nothing")]
    UnopenedParenthesis,
    /// A directive that a file of checks does not have.
    #[error("`{found}` is no directive of a check")]
    NotOfChecks {
        /// As written.
        found: String,
        /// The known one that looks most like it.
        nearest: Option<&'static str>,
    },
    /// `before` or `after` between the words of a query.
    #[error("`-- migrate: {directive}` inside of a query")]
    SectionInQuery {
        /// The directive.
        directive: &'static str,
    },
    /// `before` or `after` with no query behind it.
    #[error("no query stands behind `-- migrate: {directive}`")]
    EmptySection {
        /// The directive.
        directive: &'static str,
    },
    /// `before` or `after` in a check that belongs to no migration.
    #[error("`-- migrate: {directive}` in a standing check, which is of no migration")]
    SectionInStanding {
        /// The directive.
        directive: &'static str,
    },
}

impl Reason {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::OtherTool { .. } => "move what follows `up` into the `.up.sql` file and what follows `down` into the \
                                       `.down.sql` file, and remove the marks; one that says that there is no \
                                       transaction becomes `-- migrate: no-transaction`"
                .into(),
            Self::Empty => "write the SQL of this direction, or `SELECT 1;` where nothing is to do; an up file whose migration cannot be rolled back says \
                            `-- migrate: irreversible <reason>` and has no down file"
                .into(),
            Self::UnknownDirective { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::UnknownDirective { nearest: None, .. } | Self::NoDirective => {
                format!("the directives are {}", crate::directive::NAMES.map(|name| format!("`{name}`")).join(", "))
            }
            Self::MissingColon { directive } => format!("write `-- migrate: {directive}`"),
            Self::BadDuration { directive, .. } => {
                format!("write a whole number with ms, s, min, h or d, for example `-- migrate: {directive} 3s`")
            }
            Self::MissingArgument { directive: "allow", .. } => {
                "write `-- migrate: allow <lint rule> <reason>`".into()
            }
            Self::MissingArgument { directive, .. } => format!("write `-- migrate: {directive} <reason>`"),
            Self::UnexpectedArgument { directive, .. } => {
                format!("write `-- migrate: {directive}` alone, and the rest in a comment of its own")
            }
            Self::RepeatedDirective { .. } => "remove one of the two".into(),
            Self::LateDirective => {
                "move it above the first statement; if it is meant as a comment, do not start it with `migrate:`"
                    .into()
            }
            Self::IrreversibleDown => {
                "say `irreversible` in the up file, and remove this file".into()
            }
            Self::MetaCommand { command } => super::meta_command::instead(command).into(),
            Self::Variable { .. } => {
                "write the value itself: there are no psql variables in a migration".into()
            }
            Self::TransactionControl { command: "SET TRANSACTION" } => {
                "if the migration needs another isolation level, write `-- migrate: no-transaction` at the top of the \
                 file, and `BEGIN ISOLATION LEVEL …;` and `COMMIT;` around its statements"
                    .into()
            }
            Self::TransactionControl { .. } => "remove it, or, if the migration must commit in between, \
                                                write `-- migrate: no-transaction` at the top of the file"
                .into(),
            Self::TransactionModes { command } => format!(
                "write `{command};` alone, or nothing: the migration has its transaction already; if it needs \
                 another isolation level, write `-- migrate: no-transaction` at the top of the file"
            ),
            Self::NoTransactionInBlock { .. } => {
                "move it out of the block, best into a migration of its own".into()
            }
            Self::NeverCommitted { .. } => "end the transaction with `COMMIT;`".into(),
            Self::Unterminated { terminator, .. } => format!("end it with `{terminator}`"),
            Self::UnclosedParenthesis => "close it with `)` before the semicolon".into(),
            Self::UnterminatedBody => {
                "end every statement of the body with a semicolon, and the body with `END;`".into()
            }
            Self::CopyLine => "start the data, or the next statement, on a line of its own".into(),
            Self::NotAQuery { .. } => "write a query that finds what must not be there: SELECT, WITH … SELECT, VALUES or TABLE; \
                                       what changes something belongs into the up file"
                .into(),
            Self::ChangesData { .. } => {
                "leave it out: a check runs read-only; what changes something belongs into the up file".into()
            }
            Self::UnopenedParenthesis => "remove it, or open it before".into(),
            Self::NotOfChecks { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::NotOfChecks { nearest: None, .. } => {
                format!("those of a check are {}", crate::directive::OF_CHECKS.map(|name| format!("`{name}`")).join(", "))
            }
            Self::SectionInQuery { .. } => {
                "write it above the query: it holds for the queries behind it".into()
            }
            Self::EmptySection { .. } => {
                "write it above the queries that it is meant for, or remove it".into()
            }
            Self::SectionInStanding { .. } => "remove it: a standing check runs with every postflight; a check that \
                                               belongs to a migration stands beside it, as `NNNN_name.check.sql`"
                .into(),
        }
    }
}
