//! `expect!`: tables and columns that a program names, looked up in the recorded schema.

use migrate_core::schema::{Column, Schema, kind_and_name, name};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{LitStr, Token, bracketed};

use crate::data_type;
use crate::emit;
use crate::locate::Crate;
use crate::problem::{self, Problem};

/// `[folder?] "orders.total", …`.
pub(crate) struct Expected {
    folder: Option<LitStr>,
    literals: Vec<LitStr>,
}

impl Parse for Expected {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let folder;
        bracketed!(folder in input);
        let folder = if folder.is_empty() { None } else { Some(folder.parse()?) };
        let literals = Punctuated::<LitStr, Token![,]>::parse_terminated(input)?;
        Ok(Self { folder, literals: literals.into_iter().collect() })
    }
}

impl Expected {
    /// Nothing but the recorded schema as an input of the build; a compile error for each literal that does not hold.
    pub(crate) fn check(&self) -> TokenStream {
        let span = self.folder.as_ref().map_or_else(Span::call_site, LitStr::span);
        let krate = match Crate::current() {
            Ok(krate) => krate,
            Err(problems) => return problem::errors(span, None, &problems),
        };
        let given = self.folder.as_ref().map(LitStr::value);
        let found = krate.locate(given.as_deref()).and_then(|place| {
            let recorded = place.recorded()?;
            let schema = recorded.schema.ok_or_else(|| vec![Problem::NoSchema { path: recorded.path }])?;
            Ok((place, schema))
        });
        let (place, schema) = match found {
            Ok(found) => found,
            Err(problems) => return problem::errors(span, Some(&krate.project), &problems),
        };
        let errors = self.literals.iter().filter_map(|literal| {
            let why = look_up(&schema, &literal.value()).err()?;
            Some(quote_spanned! { literal.span() => ::core::compile_error! { #why } })
        });
        let input = emit::recorded_schema(&place);
        quote! { const _: &str = #input; #(#errors)* }
    }
}

/// What has columns, in the order in which a name is looked for; two of them never have the same.
const RELATIONS: [&str; 5] = ["table", "view", "materialized view", "foreign table", "type"];

fn look_up(schema: &Schema, text: &str) -> Result<(), String> {
    const FORM: &str = "write `table.column`, `schema.table.column`, or `table.column: type`";
    let (parts, rest) = name::parts(text.trim()).ok_or(FORM)?;
    let wanted = rest.trim().strip_prefix(':').map(str::trim);
    if wanted.is_none() && !rest.trim().is_empty() || wanted == Some("") {
        return Err(FORM.to_owned());
    }
    let parts: Vec<_> = parts.iter().map(String::as_str).collect();
    let (of_schema, table, column) = match parts.as_slice() {
        [table] => ("public", *table, None),
        [table, column] => ("public", *table, Some(*column)),
        [of_schema, table, column] => (*of_schema, *table, Some(*column)),
        _ => return Err(FORM.to_owned()),
    };
    let relations: Vec<_> = schema
        .objects()
        .filter_map(|object| {
            let (kind, name) = kind_and_name(&object.heading);
            let (parts, _) = name::parts(name)?;
            let [schema, table] = <[String; 2]>::try_from(parts).ok()?;
            RELATIONS.contains(&kind).then_some((schema, table, object))
        })
        .collect();
    let Some((.., object)) = relations.iter().find(|(s, t, _)| s == of_schema && t == table) else {
        let elsewhere = relations
            .iter()
            .find(|(_, t, _)| t == table)
            .map(|(s, t, _)| format!("{}.{}", name::written(s), name::written(t)));
        let near = elsewhere.or_else(|| {
            let here = relations.iter().filter(|(s, ..)| s == of_schema).map(|(_, t, _)| t.as_str());
            name::nearest(table, here).map(name::written)
        });
        return Err(with_near(format!("the recorded schema has no table {of_schema}.{table}"), near));
    };
    let Some(column) = column else {
        return if wanted.is_none() { Ok(()) } else { Err(FORM.to_owned()) };
    };
    let columns: Vec<_> = object
        .lines
        .iter()
        .filter_map(|line| {
            let found = Column::of(line)?;
            Some((name::parts(found.name)?.0.pop()?, found))
        })
        .collect();
    let Some((_, found)) = columns.iter().find(|(name, _)| name == column) else {
        let near = name::nearest(column, columns.iter().map(|(name, _)| name.as_str())).map(name::written);
        return Err(with_near(format!("{of_schema}.{table} has no column {column}"), near));
    };
    let Some(wanted) = wanted else { return Ok(()) };
    let (wanted_type, null) = match wanted.to_lowercase() {
        text if text.ends_with(" not null") => (&wanted[..wanted.len() - " not null".len()], Some(false)),
        text if text.ends_with(" null") => (&wanted[..wanted.len() - " null".len()], Some(true)),
        _ => (wanted, None),
    };
    if !data_type::same(wanted_type, found.data_type) {
        return Err(format!("{of_schema}.{table}.{column} is {}", found.data_type));
    }
    match null {
        Some(false) if !found.not_null => Err(format!("{of_schema}.{table}.{column} can be NULL")),
        Some(true) if found.not_null => Err(format!("{of_schema}.{table}.{column} is never NULL")),
        _ => Ok(()),
    }
}

fn with_near(message: String, near: Option<String>) -> String {
    match near {
        Some(near) => format!("{message}\n  help: did you mean `{near}`?"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = "\
table public.\"Odd\"
    column \"a b\" text

table public.orders
    column id bigint not null
    column total numeric(12,2)
    column made timestamp with time zone not null default now()

view sales.totals
    column sum numeric
";

    #[test]
    fn what_is_there_is_found_as_sql_finds_it() {
        let schema = Schema::parse(SCHEMA).unwrap();
        for good in [
            "orders",
            "orders.total",
            "Orders.TOTAL",
            "public.orders.id: int8 not null",
            "orders.total: decimal(12, 2) null",
            "orders.made: timestamptz",
            "sales.totals.sum : numeric",
            "\"Odd\".\"a b\"",
        ] {
            assert_eq!(look_up(&schema, good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_is_not_is_told_with_the_nearest() {
        let schema = Schema::parse(SCHEMA).unwrap();
        for (bad, message) in [
            ("orders.totl", "public.orders has no column totl\n  help: did you mean `total`?"),
            ("order.total", "the recorded schema has no table public.order\n  help: did you mean `orders`?"),
            (
                "totals.sum",
                "the recorded schema has no table public.totals\n  help: did you mean `sales.totals`?",
            ),
            ("customers.id", "the recorded schema has no table public.customers"),
            ("odd.x", "the recorded schema has no table public.odd\n  help: did you mean `\"Odd\"`?"),
            ("orders.total: numeric", "public.orders.total is numeric(12,2)"),
            ("orders.total: numeric(12,2) not null", "public.orders.total can be NULL"),
            ("orders.id: bigint null", "public.orders.id is never NULL"),
        ] {
            assert_eq!(look_up(&schema, bad), Err(message.to_owned()), "{bad}");
        }
        for form in ["", "a.b.c.d", "orders.total:", "orders: x", "orders.total numeric", ".a", "a..b"] {
            assert!(look_up(&schema, form).unwrap_err().starts_with("write `table.column`"), "{form}");
        }
    }
}
