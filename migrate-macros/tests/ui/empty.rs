migrate_runtime::embed!("empty");

fn main() {}
