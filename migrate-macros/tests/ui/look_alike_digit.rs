migrate_runtime::embed!("look_alike_digit");

fn main() {}
