migrate_runtime::expect!(mod = "expect"; "orders total");

fn main() {}
