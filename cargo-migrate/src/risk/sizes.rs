//! How large the tables are on the database that a migration is for.

use std::collections::HashMap;

use super::name::Name;

/// The sizes of tables, in bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sizes {
    tables: HashMap<String, Vec<(Name, u64)>>,
}

impl Sizes {
    /// Of these tables, named as SQL writes them, qualified.
    pub(crate) fn of<'a>(tables: impl IntoIterator<Item = (&'a str, u64)>) -> Self {
        let mut sizes = Self::default();
        for (name, bytes) in tables {
            if let Some(name) = Name::parse(name) {
                sizes.tables.entry(name.last().to_owned()).or_default().push((name, bytes));
            }
        }
        sizes
    }

    /// The largest that a name can mean.
    pub(super) fn get(&self, table: &Name) -> Option<u64> {
        let known = self.tables.get(table.last())?;
        known.iter().filter(|(name, _)| name.fits(table)).map(|(_, bytes)| *bytes).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_schema_is_as_large_as_the_largest() {
        let sizes = Sizes::of([("public.orders", 10), ("app.orders", 20), ("app.\"Orders\"", 30)]);
        let size = |name| sizes.get(&Name::parse(name).unwrap());
        assert_eq!(size("orders"), Some(20));
        assert_eq!(size("public.orders"), Some(10));
        assert_eq!(size("\"Orders\""), Some(30));
        assert_eq!(size("other"), None);
    }
}
