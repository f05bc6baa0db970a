migrate_runtime::embed!("nul");

fn main() {}
