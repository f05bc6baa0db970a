//! The objects that were read, each known by its row in the catalogs, so that what changed can be put in their place.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use migrate_core::schema::{Object, Schema};

use super::changes::{self, Sums};
use crate::session::Rows;

/// The schema at the last look.
#[derive(Clone, Debug, Default)]
pub(super) struct Cache {
    /// Taken before the objects were read: what changed in between is a difference the next time.
    pub sums: Sums,
    objects: HashMap<(String, u32), Arc<Object>>,
    pub schema: Schema,
}

impl Cache {
    /// Everything, read anew.
    pub fn new(sums: Sums, rows: &Rows) -> Self {
        let mut cache = Self { sums, ..Self::default() };
        cache.put(rows, &HashMap::new());
        cache
    }

    /// The same with what was read again in the place of what was in these buckets and catalogs, and of these objects.
    pub fn update(
        &mut self,
        sums: Sums,
        buckets: &HashSet<u32>,
        touched: &HashMap<String, Vec<u32>>,
        again: &[&str],
        rows: &Rows,
    ) {
        let named: HashSet<(&str, u32)> = touched
            .iter()
            .flat_map(|(catalog, oids)| oids.iter().map(move |oid| (catalog.as_str(), *oid)))
            .collect();
        let mut old = HashMap::new();
        self.objects.retain(|(catalog, oid), object| {
            let stays = !buckets.contains(&changes::bucket(*oid))
                && !again.contains(&catalog.as_str())
                && !named.contains(&(catalog.as_str(), *oid));
            if !stays {
                old.insert(object.heading.clone(), Arc::clone(object));
            }
            stays
        });
        old.keys().for_each(|heading| {
            self.schema.remove(heading);
        });
        self.put(rows, &old);
        self.sums = sums;
    }

    fn put(&mut self, rows: &Rows, old: &HashMap<String, Arc<Object>>) {
        for row in rows.iter() {
            let Some(object) = row.get(2).and_then(Object::from_text) else { continue };
            // What is as it was stays the same value: a comparison then needs no look inside.
            let same = old.get(&object.heading).filter(|old| ***old == object);
            let object = same.map_or_else(|| Arc::new(object), Arc::clone);
            self.objects.insert((row.text(0), row.number(1).unwrap_or_default()), Arc::clone(&object));
            self.schema.insert(object);
        }
    }
}
