migrate_runtime::embed!("lock_conflict");

fn main() {}
