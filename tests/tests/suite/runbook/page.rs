//! The runbook as a file: its sections, the blocks of code in them, and how a screen in it is written anew.

use std::path::PathBuf;

use migrate_tests::binaries;

/// A block of code.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// `sh`, `sql` or `text`.
    pub language: String,
    /// What stands between the fences, with a line feed at the end of each line.
    pub text: String,
    /// The number of the line after the opening fence, from 1: what an editor goes to.
    pub line: usize,
}

/// A heading, and what stands under it up to the next one of any rank.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub heading: String,
    pub blocks: Vec<Block>,
}

pub(super) fn path() -> PathBuf {
    binaries::workspace().join("docs/runbook.md")
}

/// The parts that have blocks.
pub(super) fn parts(text: &str) -> Vec<Part> {
    let mut parts = vec![Part { heading: String::new(), blocks: Vec::new() }];
    let mut open: Option<Block> = None;
    for (index, line) in text.split('\n').enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some("")) => parts.last_mut().unwrap().blocks.extend(open.take()),
            (Some(block), _) => block.text += &format!("{line}\n"),
            (None, Some(language)) => {
                open = Some(Block { language: language.to_owned(), text: String::new(), line: index + 2 });
            }
            (None, None) if line.starts_with('#') => {
                let heading = line.trim_start_matches('#').trim().to_owned();
                parts.push(Part { heading, blocks: Vec::new() });
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block does not end");
    parts.retain(|part| !part.blocks.is_empty());
    parts
}

/// What a link to a heading says.
fn anchor(heading: &str) -> String {
    let letters = heading.to_lowercase();
    let kept = letters.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-'));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

/// Who looks up words of the screen is led to a part whose screens have them.
#[test]
fn the_table_has_the_words_of_the_screens() {
    let text = std::fs::read_to_string(path()).unwrap();
    let parts = parts(&text);
    let table = text.split("\n## Find the screen\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut words = 0;
    for row in table.split('\n').filter(|row| row.starts_with('|')) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let Some(to) = cells[3].split("](#").nth(1).and_then(|link| link.split(')').next()) else { continue };
        assert!(
            text.split('\n')
                .any(|line| line.starts_with('#') && anchor(line.trim_start_matches(['#', ' '])) == to),
            "{row}"
        );
        let Some(part) = parts.iter().find(|part| anchor(&part.heading) == to) else { continue };
        let screens: String = part
            .blocks
            .iter()
            .filter(|block| block.language == "text")
            .map(|block| block.text.as_str())
            .collect();
        if screens.is_empty() {
            continue;
        }
        for said in cells[2].split('`').skip(1).step_by(2) {
            let pattern = regex::escape(said).replace('…', "[^\n]*");
            assert!(
                regex::Regex::new(&pattern).unwrap().is_match(&screens),
                "`{said}` is not in {to}:\n{screens}"
            );
            words += 1;
        }
    }
    assert!(words >= 25, "{words}");
}

/// The page with other texts in some of its blocks.
pub(super) fn with<'a>(page: &str, texts: impl IntoIterator<Item = (&'a Block, &'a str)>) -> String {
    let mut lines: Vec<_> = page.split('\n').collect();
    let mut texts: Vec<_> = texts.into_iter().collect();
    // From the end on, so that the lines before keep their numbers.
    texts.sort_by_key(|(block, _)| std::cmp::Reverse(block.line));
    for (block, text) in texts {
        let from = block.line - 1;
        let old = block.text.matches('\n').count();
        lines.splice(from..from + old, text.trim_end_matches('\n').split('\n'));
    }
    lines.join("\n")
}

#[test]
fn a_block_is_found_and_written_anew() {
    let page = "# A\ntext\n```sh\none\ntwo\n```\n## B\n```text\n```\n## C\n";
    let found = parts(page);
    assert_eq!(found.len(), 2);
    let [a, b] = [&found[0].blocks[0], &found[1].blocks[0]];
    assert_eq!((a.language.as_str(), a.text.as_str(), a.line), ("sh", "one\ntwo\n", 4));
    let expected = page.replace("one\ntwo", "1").replace("```text\n", "```text\nnew\n");
    assert_eq!(with(page, [(a, "1\n"), (b, "new\n")]), expected);
}
