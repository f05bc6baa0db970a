migrate_runtime::embed!("irreversible_with_down");

fn main() {}
