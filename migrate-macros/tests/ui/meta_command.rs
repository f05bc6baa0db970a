migrate_runtime::embed!("meta_command");

fn main() {}
