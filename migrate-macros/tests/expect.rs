//! What `expect!` finds in the recorded schema costs nothing: it stands wherever an item or a statement can.

migrate_runtime::expect!(mod = "tests/expect"; "orders.total", "orders.id: int8 not null");

mod inner {
    migrate_runtime::expect! {
        mod = "tests/expect";
        "sales.totals.sum: numeric null",
        "\"Odd\".\"a b\"",
        "orders",
    }
}

#[test]
fn what_is_there_compiles() {
    migrate_runtime::expect!(mod = "tests/expect"; "orders.total: decimal(12, 2)");
}
