//! The pending migrations on a copy of production: how long they take, and who would have waited for them.
