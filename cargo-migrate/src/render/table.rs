//! A table that fits the terminal: columns shrink, and the least important go, before a line wraps.

use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Padding, Style, Width};
use unicode_width::UnicodeWidthStr;

use super::escape::escape_line;
use super::paint::Paint;

/// A column.
pub(crate) struct Column<'t> {
    pub(crate) title: &'t str,
    /// Where there is no room the column with the largest number goes first; 0 never goes.
    pub(crate) goes: u8,
    /// May be cut to this width; `None` where half of the text would be a lie.
    pub(crate) shrinks_to: Option<usize>,
}

/// A cell: what it says, and how it is painted.
pub(crate) struct Cell {
    text: String,
    paint: fn(Paint, &str) -> String,
}

impl Cell {
    /// A cell in the colour of the terminal.
    pub(crate) fn plain(text: &str) -> Self {
        Self::painted(text, |_, text| text.to_owned())
    }

    /// A cell in a colour.
    pub(crate) fn painted(text: &str, paint: fn(Paint, &str) -> String) -> Self {
        Self { text: escape_line(text).into_owned(), paint }
    }
}

const GAP: usize = 2;

/// The table as text, with a line end after each row. Without a width nothing is cut.
///
/// Which column is cut and which goes is decided here; layout, cutting and padding are `tabled`'s.
pub(crate) fn table(
    columns: &[Column<'_>],
    rows: &[Vec<Cell>],
    width: Option<usize>,
    paint: Paint,
) -> String {
    let natural: Vec<_> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let cells = rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.text.width());
            let widest = cells.max().unwrap_or_default();
            // A column in which nothing stands would only take room from the others.
            if widest == 0 && column.goes > 0 { 0 } else { widest.max(column.title.width()) }
        })
        .collect();
    let widths = fit(columns, &natural, width);
    let shown = |index: &usize| widths[*index] > 0;
    let mut builder = Builder::new();
    let titles = columns.iter().map(|column| paint.faint(column.title));
    builder.push_record(titles.enumerate().filter(|(index, _)| shown(index)).map(|(_, title)| title));
    for row in rows {
        let cells = row.iter().map(|cell| (cell.paint)(paint, &cell.text));
        builder.push_record(cells.enumerate().filter(|(index, _)| shown(index)).map(|(_, cell)| cell));
    }
    let mut table = builder.build();
    table.with(Style::empty()).with(Padding::new(0, GAP, 0, 0));
    for (index, width) in widths.iter().filter(|width| **width > 0).enumerate() {
        table.modify(Columns::one(index), Width::truncate(*width).suffix("…"));
    }
    let lines = table.to_string();
    // The last column is padded too; nobody wants to copy that.
    lines.split('\n').map(|line| format!("{}\n", line.trim_end_matches(' '))).collect()
}

/// The width of each column; 0 for those that go.
fn fit(columns: &[Column<'_>], natural: &[usize], width: Option<usize>) -> Vec<usize> {
    let mut widths = natural.to_vec();
    let Some(limit) = width else { return widths };
    let total = |widths: &[usize]| {
        let shown = widths.iter().filter(|width| **width > 0).count();
        widths.iter().sum::<usize>() + GAP * shown.saturating_sub(1)
    };
    loop {
        let over = total(&widths).saturating_sub(limit);
        if over == 0 {
            return widths;
        }
        // What can be cut is cut first, if that is enough.
        let room =
            |index: usize| widths[index].saturating_sub(columns[index].shrinks_to.unwrap_or(usize::MAX));
        if let Some(index) =
            (0..widths.len()).filter(|index| room(*index) >= over).max_by_key(|index| room(*index))
        {
            widths[index] -= over;
            return widths;
        }
        let gone = (0..widths.len()).filter(|index| widths[*index] > 0 && columns[*index].goes > 0);
        match gone.max_by_key(|index| columns[*index].goes) {
            Some(index) => widths[index] = 0,
            None => {
                // Narrower than all that has to be there: cut the widest as far as a letter and its sign. What must not be
                // cut (an id, which somebody types) is whole, and the terminal's own line end is in nobody's copy.
                let cut = (0..widths.len()).filter(|index| columns[*index].shrinks_to.is_some());
                let Some(index) = cut.max_by_key(|index| widths[*index]) else { return widths };
                widths[index] = widths[index].saturating_sub(over).clamp(2.min(widths[index]), widths[index]);
                return widths;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> [Column<'static>; 3] {
        [
            Column { title: "migration", goes: 0, shrinks_to: Some(10) },
            Column { title: "state", goes: 0, shrinks_to: None },
            Column { title: "by", goes: 1, shrinks_to: None },
        ]
    }

    fn shown(width: Option<usize>) -> String {
        let row = |cells: [&str; 3]| cells.iter().map(|cell| Cell::plain(cell)).collect();
        let rows = [
            row(["0001_create_customers", "applied", "alice@laptop"]),
            row(["0002_数据_a\u{1b}[2J", "pending", ""]),
        ];
        table(&columns(), &rows, width, Paint { on: false })
    }

    #[test]
    fn columns_line_up_and_no_line_ends_in_spaces() {
        insta::assert_snapshot!(shown(None));
    }

    #[test]
    fn it_fits_every_width() {
        for width in 1..=60 {
            let text = shown(Some(width));
            // Below the two columns that have to be there it is as narrow as it gets.
            let least = "applied".len() + GAP + 2;
            for line in text.split_terminator('\n') {
                assert!(line.width() <= width.max(least), "{width}: {line:?}");
            }
        }
        insta::assert_snapshot!(format!("{}\n{}", shown(Some(40)), shown(Some(20))));
    }

    #[test]
    fn what_is_typed_again_is_whole_on_any_terminal() {
        let columns = [
            Column { title: "id", goes: 0, shrinks_to: None },
            Column { title: "outcome", goes: 1, shrinks_to: Some(4) },
        ];
        let rows = [vec![Cell::plain("preflight-report-20261121T231007Z"), Cell::plain("passed")]];
        for width in 1..=60 {
            let text = table(&columns, &rows, Some(width), Paint { on: false });
            assert!(text.contains("preflight-report-20261121T231007Z"), "{width}: {text}");
        }
    }

    #[test]
    fn wide_characters_count_twice() {
        let columns = [Column { title: "x", goes: 0, shrinks_to: Some(2) }];
        for (width, shown) in [(4, 4), (5, 5), (6, 6), (20, 6)] {
            let rows = [vec![Cell::painted("数据库", Paint::good)]];
            let text = table(&columns, &rows, Some(width), Paint { on: false });
            let row = text.split_terminator('\n').nth(1).unwrap_or_default();
            assert_eq!(row.width(), shown, "{text:?}");
            assert_eq!(row.ends_with('…'), width < 6, "{text:?}");
        }
        let rows = [vec![Cell::painted("abcdef", Paint::good)]];
        let text = table(&columns, &rows, Some(4), Paint { on: true });
        assert_eq!(text, "\u{1b}[2mx\u{1b}[0m\n\u{1b}[32mabc\u{1b}[39m…\n");
    }
}
