migrate_runtime::expect!(mod = "expect"; "orders.id", "orders.totl");

fn main() {}
