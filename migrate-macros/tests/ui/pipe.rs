migrate_runtime::embed!("pipe");

fn main() {}
