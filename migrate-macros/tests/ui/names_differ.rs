migrate_runtime::embed!("names_differ");

fn main() {}
