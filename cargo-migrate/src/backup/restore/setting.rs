//! The values of `ALTER DATABASE … SET`, as SQL takes them back.

use migrate_runtime::{quote_identifier, quote_literal};

/// The settings that are lists of quoted names (`GUC_LIST_QUOTE`; pg_dump's `variable_is_guc_list_quote`): one literal for
/// all of them would be one name.
const LISTS: [&str; 6] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// The name of a setting of `pg_db_role_setting`, and `SET name TO value`. `None` where the text is none.
pub(super) fn set(text: &str) -> Option<(&str, String)> {
    let (name, value) = text.split_once('=')?;
    let value = match LISTS.contains(&name.to_ascii_lowercase().as_str()) {
        true => {
            let names: Vec<_> = names(value)?.iter().map(|name| quote_literal(name)).collect();
            // An empty list is written as one empty name.
            if names.is_empty() { "''".to_owned() } else { names.join(", ") }
        }
        false => quote_literal(value),
    };
    // `app.tenant` is two names.
    let quoted: Vec<_> = name.split('.').map(quote_identifier).collect();
    Some((name, format!("SET {} TO {value}", quoted.join("."))))
}

/// `"$user", public` (pg_dump's `parsePGArray` neighbour `SplitGUCList`); `None` where a quote is open at the end.
fn names(value: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = value.trim_start();
    while !rest.is_empty() {
        let mut name = String::new();
        if let Some(quoted) = rest.strip_prefix('"') {
            rest = quoted;
            loop {
                let end = rest.find('"')?;
                name += &rest[..end];
                rest = &rest[end + 1..];
                match rest.strip_prefix('"') {
                    Some(more) => {
                        name.push('"');
                        rest = more;
                    }
                    None => break,
                }
            }
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            name = rest[..end].trim_end().to_owned();
            rest = &rest[end..];
        }
        names.push(name);
        rest = rest.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_names_stay_lists() {
        let sql = |text: &str| set(text).unwrap().1;
        assert_eq!(
            sql("search_path=\"$user\", public, \"a\"\"b, c\""),
            "SET \"search_path\" TO '$user', 'public', 'a\"b, c'"
        );
        assert_eq!(sql("search_path=\"\""), "SET \"search_path\" TO ''");
        assert_eq!(sql("search_path="), "SET \"search_path\" TO ''");
        assert_eq!(sql("work_mem=64MB"), "SET \"work_mem\" TO '64MB'");
        assert_eq!(sql("app.tenant=it's a=b"), "SET \"app\".\"tenant\" TO 'it''s a=b'");
        assert_eq!(sql("DateStyle=ISO, DMY"), "SET \"DateStyle\" TO 'ISO, DMY'");
        assert_eq!(set("nothing"), None);
        assert_eq!(set("search_path=\"open"), None);
    }
}
