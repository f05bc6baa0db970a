//! What the name of a migration says about its table and column: `add_price_to_products`.

/// Parameters that a description in lower_snake names, as name and value.
///
/// Only what is beyond doubt: exactly one connecting word, with something on both sides of it.
pub(crate) fn derive(description: &str) -> Vec<(String, String)> {
    let Some((verb, rest)) = description.split_once('_') else { return Vec::new() };
    let found: Vec<(&str, &str)> = match verb {
        "add" => match around(rest, "to") {
            Some((what, whole)) => vec![("column", what), ("table", whole), ("value", what), ("type", whole)],
            None => Vec::new(),
        },
        "drop" | "remove" => match around(rest, "from") {
            Some((column, table)) => vec![("column", column), ("table", table)],
            None => vec![("table", rest)],
        },
        "create" => {
            ["table", "view", "function", "type", "extension"].into_iter().map(|key| (key, rest)).collect()
        }
        "archive" => vec![("table", rest)],
        "index" => match around(rest, "on") {
            Some((table, column)) => vec![("table", table), ("column", column)],
            None => Vec::new(),
        },
        "rename" => match around(rest, "to") {
            Some((old, new)) => match around(new, "in").or_else(|| around(new, "on")) {
                Some((new, table)) => vec![("column", old), ("new_column", new), ("table", table)],
                None => vec![("table", old), ("new_table", new)],
            },
            None => Vec::new(),
        },
        _ => Vec::new(),
    };
    found.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// What stands before and after a word that stands there once.
fn around<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let separator = format!("_{word}_");
    let (before, after) = text.split_once(&separator)?;
    (!before.is_empty() && !after.is_empty() && !after.contains(&separator)).then_some((before, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derived(description: &str) -> String {
        derive(description).iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn names_say_what_they_say() {
        let table = [
            ("add_price_to_products", "column=price table=products value=price type=products"),
            (
                "add_unit_price_to_order_lines",
                "column=unit_price table=order_lines value=unit_price type=order_lines",
            ),
            ("remove_price_from_products", "column=price table=products"),
            ("rename_products_to_items", "table=products new_table=items"),
            ("rename_name_to_title_in_products", "column=name new_column=title table=products"),
            ("index_products_on_sku", "table=products column=sku"),
            ("archive_orders", "table=orders"),
            (
                "create_products",
                "table=products view=products function=products type=products extension=products",
            ),
            // In doubt, nothing.
            ("add_link_to_user_to_orders", ""),
            ("add_products", ""),
            ("add_to_products", ""),
            ("products", ""),
            ("tidy_up", ""),
        ];
        for (description, expected) in table {
            assert_eq!(derived(description), expected, "{description}");
        }
    }
}
