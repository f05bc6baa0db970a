migrate_runtime::embed!("many");

fn main() {}
