migrate_runtime::expect!(mod = "expect"; "orders.total: numeric(12, 2) not null");

fn main() {}
