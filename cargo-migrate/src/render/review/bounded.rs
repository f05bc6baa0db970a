//! Markdown that fits into a comment: blocks that stand for themselves, taken in whole or left out.

/// Markdown within a number of bytes. A block is a paragraph, a table or a folded part: never half of one is written, so
/// no fence and no tag stays open.
pub(super) struct Bounded {
    text: String,
    limit: usize,
    left_out: usize,
}

/// Room for the sentence about what was left out.
const RESERVE: usize = 200;

impl Bounded {
    pub(super) fn new(limit: usize) -> Self {
        Self { text: String::new(), limit: limit.saturating_sub(RESERVE), left_out: 0 }
    }

    /// Adds a block, or counts it as left out; whether it was added. After the first that does not fit, smaller ones
    /// still may: a short error behind a long diff is worth more than order.
    pub(super) fn push(&mut self, block: &str) -> bool {
        let block = block.trim_end_matches('\n');
        if self.text.len() + block.len() + 2 > self.limit {
            self.left_out += 1;
            return false;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(block);
        self.text.push('\n');
        true
    }

    /// Adds a table: its head, and as many of its rows as there is room for.
    pub(super) fn push_table(&mut self, head: &str, rows: &[String]) {
        let mut block = head.to_owned();
        let room = self.limit.saturating_sub(self.text.len() + 2);
        // Half of the room is left to what the rows are about.
        let fits = rows
            .iter()
            .scan(head.len(), |length, row| {
                *length += row.len();
                (*length <= room / 2 + head.len()).then_some(())
            })
            .count();
        rows[..fits].iter().for_each(|row| block.push_str(row));
        if self.push(&block) {
            self.left_out += rows.len() - fits;
        } else {
            self.left_out += rows.len();
        }
    }

    /// The text, with a word about what is not in it.
    pub(super) fn finish(mut self) -> String {
        if self.left_out > 0 {
            self.text.push_str(&format!(
                "\n> [!NOTE]\n> {} more parts did not fit into one comment. The whole report is in the job's log and its \
                 artifacts.\n",
                self.left_out
            ));
        }
        self.text
    }
}

/// The first lines of a text, within so many bytes, and how many lines are not among them.
pub(super) fn cut_lines(text: &str, limit: usize) -> (&str, usize) {
    if text.len() <= limit {
        return (text, 0);
    }
    let end = text[..text.floor_char_boundary(limit)].rfind('\n').map_or(0, |end| end + 1);
    (&text[..end], text[end..].split_terminator('\n').count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out_whole_and_counted() {
        let mut text = Bounded::new(RESERVE + 70);
        assert!(text.push("one\n"));
        assert!(!text.push(&"x".repeat(80)));
        assert!(text.push("two"));
        text.push_table("| a |\n| - |\n", &vec!["| 1 |\n".to_owned(); 50]);
        let text = text.finish();
        let rows = text.matches("| 1 |").count();
        assert!(rows > 0 && text.starts_with("one\n\ntwo\n\n| a |\n| - |\n| 1 |\n"), "{text}");
        assert!(text.contains(&format!("> {} more parts did not fit", 1 + 50 - rows)), "{text}");
        assert!(text.len() <= RESERVE + 70);
    }

    #[test]
    fn lines_are_cut_between_lines() {
        assert_eq!(cut_lines("ab\ncd\nef\n", 100), ("ab\ncd\nef\n", 0));
        assert_eq!(cut_lines("ab\ncd\nef\n", 7), ("ab\ncd\n", 1));
        assert_eq!(cut_lines("éé\n", 3), ("", 1));
    }
}
