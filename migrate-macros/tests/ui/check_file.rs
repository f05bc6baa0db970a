migrate_runtime::embed!("check_file");

fn main() {}
