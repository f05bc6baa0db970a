//! A set as statics.

use std::borrow::Cow;
use std::time::Duration;

use migrate_core::{
    Check, CheckScript, Checksum, Directives, Migration, Mode, Moment, Script, Set, Statement, StatementKind,
    lock,
};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::arguments::Arguments;
use crate::locate::{Place, Recorded};

/// The module: the set, what makes the build depend on the files, and the functions.
pub(crate) fn module(arguments: &Arguments, place: &Place, set: &Set, schema: &Recorded) -> TokenStream {
    let Arguments { runtime, visibility, name, .. } = arguments;
    let inputs = inputs(place, set);
    let relative = format!("/{}", place.relative);
    let schema = option(schema.schema.is_some().then(|| recorded_schema(place)));
    let migrations = set.migrations.iter().map(migration);
    let count = set.migrations.len();
    let (recorded, digest) = (set.digest.count, checksum(&set.digest.digest));
    let folder = set.folder.as_ref();
    quote! {
        /// The migrations of this application, and what runs them.
        #[allow(dead_code, unreachable_pub, unused_qualifications, clippy::all, clippy::pedantic, clippy::restriction)]
        #visibility mod #name {
            use #runtime::core as __core;
            use ::std::borrow::Cow as __Cow;

            #inputs

            /// In a debug build only, so that no path of the build machine is in what is shipped.
            #[cfg(debug_assertions)]
            const FOLDER: &str = ::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), #relative);

            static ALL: [__core::Migration; #count] = [#(#migrations),*];

            /// The migrations with their checksums.
            pub static MIGRATIONS: __core::Set = __core::Set {
                migrations: __Cow::Borrowed(&ALL),
                digest: __core::HistoryDigest { count: #recorded, digest: #digest },
                folder: __Cow::Borrowed(#folder),
            };

            /// The schema at the newest version, as `schema.sql.snap` beside the migrations has it.
            pub static SCHEMA: ::core::option::Option<&str> = #schema;

            #runtime::__embedded_functions! {}
        }
    }
}

/// The lock and every file as inputs of the build. An unnamed constant takes no room in the application.
fn inputs(place: &Place, set: &Set) -> TokenStream {
    let files = std::iter::once(lock::FILE_NAME).chain(set.files().map(|(file, _)| file));
    let paths = files.map(|file| format!("/{}/{file}", place.relative));
    quote! {
        #(const _: &[u8] = ::core::include_bytes!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), #paths));)*
    }
}

/// The recorded schema as it is in its file, which is an input of the build by this.
pub(crate) fn recorded_schema(place: &Place) -> TokenStream {
    let path = format!("/{}/{}", place.relative, migrate_core::schema::FILE_NAME);
    quote!(::core::include_str!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), #path)))
}

fn migration(migration: &Migration) -> TokenStream {
    let Migration { stem, version, up, down, check } = migration;
    let number = version.number();
    let up = script(up);
    let down = option(down.as_ref().map(script));
    let check = option(check.as_ref().map(check_script));
    quote! {
        __core::Migration {
            stem: __Cow::Borrowed(#stem),
            version: __core::Version::new(#number),
            up: #up,
            down: #down,
            check: #check,
        }
    }
}

fn check_script(script: &CheckScript) -> TokenStream {
    let CheckScript { file, text, checksum: sum, statement_timeout, checks } = script;
    let (sum, statement_timeout) = (checksum(sum), duration(statement_timeout));
    let checks = checks.iter().map(check);
    quote! {
        __core::CheckScript {
            file: __Cow::Borrowed(#file),
            text: __Cow::Borrowed(#text),
            checksum: #sum,
            statement_timeout: #statement_timeout,
            checks: {
                static CHECKS: &[__core::Check] = &[#(#checks),*];
                __Cow::Borrowed(CHECKS)
            },
        }
    }
}

fn check(check: &Check) -> TokenStream {
    let Check { start, end, moment, description } = check;
    let moment = match moment {
        Moment::Before => quote!(Before),
        Moment::After => quote!(After),
    };
    let description = option(description.as_ref().map(|text: &Cow<str>| quote!(__Cow::Borrowed(#text))));
    quote! {
        __core::Check { start: #start, end: #end, moment: __core::Moment::#moment, description: #description }
    }
}

fn script(script: &Script) -> TokenStream {
    let Script { file, text, checksum: sum, change, directives: asked, mode, statements, dropped } = script;
    let (sum, change, directives) = (checksum(sum), option(change.as_ref().map(checksum)), directives(asked));
    let mode = match mode {
        Mode::Transactional => quote!(Transactional),
        Mode::NonTransactional => quote!(NonTransactional),
    };
    let statements = statements.iter().map(statement);
    let dropped = dropped.iter().map(|(start, end)| quote!((#start, #end)));
    quote! {
        __core::Script {
            file: __Cow::Borrowed(#file),
            text: __Cow::Borrowed(#text),
            checksum: #sum,
            change: #change,
            directives: #directives,
            mode: __core::Mode::#mode,
            statements: __Cow::Borrowed(&[#(#statements),*]),
            dropped: __Cow::Borrowed(&[#(#dropped),*]),
        }
    }
}

fn statement(statement: &Statement) -> TokenStream {
    let Statement { start, end, kind } = statement;
    let kind = match kind {
        StatementKind::Plain => quote!(Plain),
        StatementKind::NoTransaction(command) => quote!(NoTransaction(#command)),
        StatementKind::Concurrent(command) => quote!(Concurrent(#command)),
        StatementKind::TransactionControl(command) => quote!(TransactionControl(#command)),
        StatementKind::CopyFromStdin { data_start, data_end } => {
            quote!(CopyFromStdin { data_start: #data_start, data_end: #data_end })
        }
    };
    quote!(__core::Statement { start: #start, end: #end, kind: __core::StatementKind::#kind })
}

fn directives(directives: &Directives) -> TokenStream {
    let Directives { no_transaction, irreversible, lock_timeout, statement_timeout, allow } = directives;
    let irreversible =
        option(irreversible.as_ref().map(|reason: &Cow<str>| quote!(__Cow::Borrowed(#reason))));
    let (lock_timeout, statement_timeout) = (duration(lock_timeout), duration(statement_timeout));
    let count = allow.len();
    let allow = allow.iter().map(|allow| {
        let (rule, reason) = (&allow.rule, &allow.reason);
        quote!(__core::Allow { rule: __Cow::Borrowed(#rule), reason: __Cow::Borrowed(#reason) })
    });
    quote! {
        __core::Directives {
            no_transaction: #no_transaction,
            irreversible: #irreversible,
            lock_timeout: #lock_timeout,
            statement_timeout: #statement_timeout,
            allow: {
                static ALLOW: [__core::Allow; #count] = [#(#allow),*];
                __Cow::Borrowed(&ALLOW)
            },
        }
    }
}

fn duration(duration: &Option<Duration>) -> TokenStream {
    option(duration.map(|duration| {
        let (seconds, nanoseconds) = (duration.as_secs(), duration.subsec_nanos());
        quote!(::core::time::Duration::new(#seconds, #nanoseconds))
    }))
}

fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

/// One literal and not 32: a thousand migrations have two thousand checksums.
fn checksum(checksum: &Checksum) -> TokenStream {
    let bytes = Literal::byte_string(checksum.as_bytes());
    quote!(__core::Checksum::from_bytes(*#bytes))
}
