migrate_runtime::expect!(mod = "expect"; "orders.total: integer");

fn main() {}
