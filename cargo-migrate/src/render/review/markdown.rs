//! The comment on a pull request.

use migrate_core::Direction;
use migrate_core::sql::{mask_secrets, mask_text};
use migrate_runtime::rehearsal::LockMode;

use super::bounded::{Bounded, cut_lines};
use super::{Note, NoteLevel, Review, Reviewed, Way};
use crate::render::escape::{escape, escape_line};
use crate::render::words::{count, time};
use crate::risk::{Reason, RiskLevel};

/// GitHub refuses a comment of more than 65,536 characters; counted in bytes here, so never more than that. The rest is
/// left to whoever puts something before or after it.
const LIMIT: usize = 60_000;
/// Bytes of one folded part: a few screens.
const OF_A_PART: usize = 8_000;

impl Review {
    /// The whole comment, with a mark in its first line by which a later run finds it again.
    pub(crate) fn markdown(&self) -> String {
        let mut text = Bounded::new(LIMIT);
        text.push(&format!("<!-- cargo-migrate:{} -->", self.verb));
        text.push(&self.verdict());
        if !self.migrations.is_empty() {
            text.push_table("| added | files |\n|---|---|\n", &self.added());
        }
        if !self.checks.is_empty() {
            text.push(&self.checked());
        }
        for (level, title) in [(NoteLevel::Error, "Errors"), (NoteLevel::Warning, "Warnings")] {
            self.push_notes(&mut text, level, title);
        }
        if !self.migrations.is_empty() {
            text.push("### Risk, locks and times");
            let rows: Vec<_> = self.migrations.iter().flat_map(rows).collect();
            text.push_table(
                "| migration | | risk | locks | blocked | rewritten, read, built | time |\n|---|---|---|---|---|---|---|\n",
                &rows,
            );
        }
        for migration in &self.migrations {
            for way in &migration.ways {
                if let Some(block) = reasons(way) {
                    text.push(&block);
                }
            }
        }
        self.push_notes(&mut text, NoteLevel::Remark, "Remarks");
        text.finish()
    }

    fn verdict(&self) -> String {
        let (errors, warnings) = (self.count(NoteLevel::Error), self.count(NoteLevel::Warning));
        let sign = match (self.fails(), warnings) {
            (true, _) => "❌",
            (false, 0) => "✅",
            (false, _) => "⚠️",
        };
        let what = if self.verb == "lint" { "checked" } else { "verified" };
        let mut verdict = match self.migrations.len() {
            0 => "No new migrations".to_owned(),
            number => format!("{} {what}", count(number, "migration")),
        };
        let found: Vec<_> = [(errors, "error"), (warnings, "warning")]
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, noun)| count(number, noun))
            .collect();
        if !found.is_empty() {
            verdict = format!("{verdict}: {}", found.join(", "));
        } else if self.fails() {
            verdict += ": a check failed";
        }
        let mut facts = Vec::new();
        if !self.servers.is_empty() {
            facts.push(format!("PostgreSQL {}", prose(&self.servers.join(", "))));
        }
        let highest = self.migrations.iter().flat_map(|one| &one.ways);
        let highest = highest.filter(|way| way.direction == Direction::Up).map(|way| way.risk.level).max();
        facts.extend(highest.map(|level| format!("highest risk {}", risk(level))));
        facts.extend(self.duration.map(|duration| format!("took {}", time(duration))));
        let facts = if facts.is_empty() { String::new() } else { format!("\n\n{}", facts.join(" · ")) };
        format!("## {sign} {verdict}{facts}")
    }

    fn added(&self) -> Vec<String> {
        let row = |migration: &Reviewed| {
            let mut files: Vec<_> = migration.ways.iter().map(|way| code(&self.path(&way.file))).collect();
            if let Some(reason) = &migration.irreversible {
                files.push(format!("no way back: {}", cell(reason)));
            }
            format!("| {} | {} |\n", code(&migration.stem), files.join("<br>"))
        };
        self.migrations.iter().map(row).collect()
    }

    fn checked(&self) -> String {
        let line = |check: &super::Check| {
            format!("- [{}] {}\n", if check.passed { "x" } else { " " }, prose(&check.holds))
        };
        self.checks.iter().map(line).collect()
    }

    fn push_notes(&self, text: &mut Bounded, level: NoteLevel, title: &str) {
        let notes: Vec<_> = self.notes.iter().filter(|note| note.level == level).collect();
        let mut blocks = notes.iter().map(|note| self.note(note));
        // The heading goes with its first note: it does not stand alone where there is no room.
        if let Some(first) = blocks.next() {
            text.push(&format!("### {title}\n\n{first}"));
        }
        blocks.for_each(|block| {
            text.push(&block);
        });
    }

    fn note(&self, note: &Note) -> String {
        let mut head = format!("**{}**", prose(&note.rule));
        if let Some(file) = &note.file {
            let line = note.place.map(|place| format!(":{}", place.line)).unwrap_or_default();
            head += &format!(" {}", code(&format!("{}{line}", self.path(file))));
        } else if let Some(stem) = &note.stem {
            head += &format!(" {}", code(stem));
        }
        if !note.servers.is_empty() {
            head += &format!(" (PostgreSQL {})", prose(&note.servers.join(", ")));
        }
        let mut block = format!("{head}  \n{}\n", prose(&mask_text(&note.message)));
        if let Some(help) = &note.help {
            block += &format!("\n{}\n", prose(&mask_text(help)));
        }
        if let Some(diff) = &note.diff {
            block += &format!("\n{}", folded("the difference", "diff", diff));
        }
        if let Some(safer) = &note.safer {
            block += &format!("\n{}", folded("a safer script", "sql", safer));
        }
        block
    }
}

/// A row of the table for each direction.
fn rows(migration: &Reviewed) -> Vec<String> {
    let row = |way: &Way| {
        let strongest = way.strongest().map(|(_, mode)| mode);
        let locks = way.locks.iter().map(|(table, mode)| format!("{} {}", code(table), mode.name()));
        let work = [("", &way.rewritten), ("reads ", &way.scanned), ("builds ", &way.built)];
        let work = work
            .into_iter()
            .flat_map(|(verb, names)| names.iter().map(move |name| format!("{verb}{}", code(name))));
        let time = way.duration.map(time).unwrap_or_default();
        format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            code(&migration.stem),
            way.direction.name(),
            risk(way.risk.level),
            some(locks.collect()),
            strongest.map_or("", blocked),
            some(work.collect()),
            if way.slow { format!("⚠️ {time}") } else { time },
        )
    };
    migration.ways.iter().map(row).collect()
}

/// The first few of a list: a migration of a hundred tables has its own page.
fn some(mut items: Vec<String>) -> String {
    const SHOWN: usize = 6;
    let more = items.len().saturating_sub(SHOWN);
    items.truncate(SHOWN);
    if more > 0 {
        items.push(format!("and {more} more"));
    }
    items.join("<br>")
}

fn blocked(mode: LockMode) -> &'static str {
    match mode {
        _ if mode.blocks_reads() => "reads and writes",
        _ if mode.blocks_writes() => "writes",
        _ => "nothing",
    }
}

fn risk(level: RiskLevel) -> &'static str {
    match level {
        RiskLevel::Low => "🟢 low",
        RiskLevel::Medium => "🟡 medium",
        RiskLevel::High => "🟠 high",
        RiskLevel::Critical => "🔴 critical",
    }
}

/// Why a direction is risky, folded, with the safer scripts; `None` where it is not.
fn reasons(way: &Way) -> Option<String> {
    let serious: Vec<_> = way.risk.reasons.iter().filter(|reason| reason.level > RiskLevel::Low).collect();
    if serious.is_empty() {
        return None;
    }
    let line = |reason: &&Reason| {
        let safer = reason.safer.as_ref().map(|safer| format!("\n{}", fence("sql", safer)));
        format!(
            "{}, line {}: {}\n{}",
            risk(reason.level),
            reason.line,
            prose(&reason.why),
            safer.unwrap_or_default()
        )
    };
    let lines: Vec<_> = serious.iter().map(line).collect();
    let title = format!("{}: {}", way.file, way.risk.level.name());
    Some(format!("<details><summary>{}</summary>\n\n{}\n</details>", html(&title), lines.join("\n")))
}

/// A part that opens with a click.
fn folded(title: &str, language: &str, text: &str) -> String {
    format!("<details><summary>{}</summary>\n\n{}\n</details>\n", html(title), fence(language, text))
}

/// A fenced block, with more backticks than the text has in a row, and not longer than a few screens.
fn fence(language: &str, text: &str) -> String {
    // Cut first: a diff can have megabytes, and masking reads what is before a secret only.
    let (shown, more) = cut_lines(text, OF_A_PART);
    let masked = mask_secrets(shown);
    let shown = &*escape(&masked);
    let ticks = "`".repeat(longest_run(shown).max(2) + 1);
    let end = if shown.is_empty() || shown.ends_with('\n') { "" } else { "\n" };
    let more = if more > 0 { format!("\n… {} more\n", count(more, "line")) } else { String::new() };
    format!("{ticks}{language}\n{shown}{end}{ticks}\n{more}")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

/// A code span: in it nothing is markup and nobody is mentioned. A bar would end the cell of a table, also in a span.
fn code(text: &str) -> String {
    let safe = escape_line(text).replace('|', "\\|");
    let ticks = "`".repeat(longest_run(&safe) + 1);
    let pad = if safe.starts_with('`') || safe.ends_with('`') || safe.is_empty() { " " } else { "" };
    format!("{ticks}{pad}{safe}{pad}{ticks}")
}

/// Prose: what stands between two backticks is a code span, everything else is no markup, and mentions nobody.
fn prose(text: &str) -> String {
    let parts: Vec<_> = text.split('`').collect();
    if parts.len() % 2 == 0 {
        return plain(text);
    }
    let part = |(index, part): (usize, &&str)| match index % 2 {
        0 => plain(part),
        _ => code(part),
    };
    parts.iter().enumerate().map(part).collect()
}

/// [`prose`] in a cell of a table.
fn cell(text: &str) -> String {
    prose(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 16);
    for c in escape(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            // As Dependabot has it: a character without width, and nobody gets a mail.
            '@' => safe.push_str("@&#8203;"),
            '#' => safe.push_str("#&#8203;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '~' => {
                safe.push('\\');
                safe.push(c);
            }
            _ => safe.push(c),
        }
    }
    safe
}

/// Text in an HTML element.
fn html(text: &str) -> String {
    escape_line(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('@', "@&#8203;")
        .replace('#', "#&#8203;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_spans_hold_whatever_is_in_them() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`a"), "`` `a ``");
        assert_eq!(code("a|b\nc"), "`a\\|b\\nc`");
    }

    #[test]
    fn prose_has_no_markup_but_its_code() {
        assert_eq!(
            prose("use `NOT VALID` on <b> @you #1"),
            "use `NOT VALID` on &lt;b&gt; @&#8203;you #&#8203;1"
        );
        assert_eq!(prose("a ` b *c*"), "a \\` b \\*c\\*");
        assert_eq!(plain("![x](http://y)"), "!\\[x\\](http://y)");
    }

    #[test]
    fn fences_are_longer_than_what_they_hold() {
        assert_eq!(fence("sql", "a"), "```sql\na\n```\n");
        assert_eq!(fence("sql", "````\n"), "`````sql\n````\n`````\n");
        let long = "x\n".repeat(OF_A_PART);
        assert!(fence("diff", &long).ends_with(&format!("x\n```\n\n… {} lines more\n", OF_A_PART / 2)));
    }
}
