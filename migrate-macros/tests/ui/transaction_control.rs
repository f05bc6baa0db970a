migrate_runtime::embed!("transaction_control");

fn main() {}
