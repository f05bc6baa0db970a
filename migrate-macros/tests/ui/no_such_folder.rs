migrate_runtime::embed!("no_such_folder");

fn main() {}
