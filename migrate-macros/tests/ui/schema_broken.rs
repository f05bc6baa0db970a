migrate_runtime::embed!("schema_broken");

fn main() {}
