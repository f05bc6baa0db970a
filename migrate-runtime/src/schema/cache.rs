//! The objects that were read, each known by its row in the catalogs, so that what changed can be put in their place.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use migrate_core::schema::{Object, Schema};

use super::changes::{Changed, Look};
use super::presence::Presence;
use crate::session::Rows;

/// The schema at the last look.
#[derive(Clone, Debug, Default)]
pub(super) struct Cache {
    /// Taken before the objects were read: what changed in between is a difference the next time.
    pub look: Look,
    /// What there is at all: kinds that are gone may still be among it.
    pub presence: Presence,
    objects: HashMap<(String, u32), Arc<Object>>,
    /// What a transaction dropped that may not be over: rolled back, it is there again.
    dropped: HashSet<(String, u32)>,
    pub schema: Schema,
}

impl Cache {
    /// Everything, read anew.
    pub fn new(look: Look, presence: Presence, rows: &Rows, old: Option<&Self>) -> Self {
        let mut cache = Self { look, presence, ..Self::default() };
        let same = old.iter().flat_map(|old| old.objects.values());
        cache.put(rows, &same.map(|object| (object.heading.clone(), Arc::clone(object))).collect());
        if let Some(old) = old {
            let keys = old.objects.keys().chain(&old.dropped);
            cache.dropped = keys.filter(|key| !cache.objects.contains_key(key)).cloned().collect();
        }
        cache
    }

    /// The objects of which something went.
    pub fn went(&self, changed: &Changed) -> impl Iterator<Item = (&str, u32)> {
        let keys = self.objects.keys().chain(&self.dropped);
        keys.filter(|(_, oid)| changed.went(*oid)).map(|(catalog, oid)| (catalog.as_str(), *oid))
    }

    /// What was read last is committed: nothing of it comes back.
    pub fn committed(&mut self) {
        self.dropped.clear();
    }

    /// The same with what was read again in the place of these objects and of all of these catalogs.
    pub fn update(&mut self, look: Look, touched: &HashMap<String, Vec<u32>>, again: &[&str], rows: &Rows) {
        let named: HashSet<(&str, u32)> = touched
            .iter()
            .flat_map(|(catalog, oids)| oids.iter().map(move |oid| (catalog.as_str(), *oid)))
            .collect();
        let mut old = HashMap::new();
        let mut dropped = std::mem::take(&mut self.dropped);
        self.objects.retain(|(catalog, oid), object| {
            let stays = !again.contains(&catalog.as_str()) && !named.contains(&(catalog.as_str(), *oid));
            if !stays {
                dropped.insert((catalog.clone(), *oid));
                old.insert(object.heading.clone(), Arc::clone(object));
            }
            stays
        });
        old.keys().for_each(|heading| {
            self.schema.remove(heading);
        });
        self.put(rows, &old);
        dropped.retain(|key| !self.objects.contains_key(key));
        self.dropped = dropped;
        self.look = look;
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
