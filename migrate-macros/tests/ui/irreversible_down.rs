migrate_runtime::embed!("irreversible_down");

fn main() {}
