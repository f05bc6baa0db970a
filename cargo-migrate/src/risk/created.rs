//! The relations that the scripts before this one made.

use std::collections::HashMap;

use super::name::Name;

/// Relations that were made, by their names without schema.
#[derive(Debug, Default)]
pub(super) struct Created {
    names: HashMap<String, Vec<Relation>>,
    /// How many there are.
    pub(super) count: usize,
}

#[derive(Debug)]
pub(super) struct Relation {
    name: Name,
    /// Its place in the order in which they were made.
    pub(super) order: usize,
    /// Whether a pending migration made it.
    pub(super) pending: bool,
}

impl Created {
    pub(super) fn add(&mut self, name: &Name, pending: bool) {
        let relation = Relation { name: name.clone(), order: self.count, pending };
        self.names.entry(name.last().to_owned()).or_default().push(relation);
        self.count += 1;
    }

    /// Whether a name can mean one of them that is new in this sense.
    pub(super) fn has(&self, name: &Name, is_new: impl Fn(&Relation) -> bool) -> bool {
        let known = self.names.get(name.last()).into_iter().flatten();
        known.into_iter().any(|relation| is_new(relation) && relation.name.fits(name))
    }
}
