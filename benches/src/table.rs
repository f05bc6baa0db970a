//! Tables in Markdown, so that they can go into a document as they are.

/// Prints a table; the first column is text, the others are numbers.
pub fn print(title: &str, head: &[&str], rows: &[Vec<String>]) {
    println!("\n### {title}\n");
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([head[column].chars().count(), 3]).max().unwrap_or(3)
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells = cells.zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
    };
    line(&mut head.iter().copied());
    let rule = widths.iter().enumerate().map(|(column, &width)| {
        let dashes = "-".repeat(width - 1);
        if column == 0 { format!("-{dashes}") } else { format!("{dashes}:") }
    });
    println!("| {} |", rule.collect::<Vec<_>>().join(" | "));
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
}

/// A time in the unit that a person would take.
pub fn time(milliseconds: f64) -> String {
    match milliseconds {
        ms if ms < 100.0 => format!("{ms:.1} ms"),
        ms if ms < 10_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1000.0),
    }
}

pub fn ratio(ratio: f64) -> String {
    format!("{ratio:.2}")
}
