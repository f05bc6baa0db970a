migrate_runtime::embed!("stray");

fn main() {}
