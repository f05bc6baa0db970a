migrate_runtime::embed!("check_that_writes");

fn main() {}
