//! `embed!` and `expect!`: what migrate-core reads as tokens. The macros that people call are in migrate-runtime; `embed!` passes
//! its `$crate` here, so that it works under whatever name the application has it.

mod arguments;
mod data_type;
mod emit;
mod expect;
mod locate;
mod problem;

use proc_macro::TokenStream;

/// `[$crate] [visibility] [name] [folder?]`: called by `migrate_runtime::embed!` and by nothing else.
#[doc(hidden)]
#[proc_macro]
pub fn embed_in(input: TokenStream) -> TokenStream {
    let tokens = match syn::parse::<arguments::Arguments>(input) {
        Ok(arguments) => embed(&arguments),
        Err(error) => error.to_compile_error(),
    };
    tokens.into()
}

/// `[folder?] literal, …`: called by `migrate_runtime::expect!` and by nothing else.
#[doc(hidden)]
#[proc_macro]
pub fn expect_in(input: TokenStream) -> TokenStream {
    let tokens = match syn::parse::<expect::Expected>(input) {
        Ok(expected) => expected.check(),
        Err(error) => error.to_compile_error(),
    };
    tokens.into()
}

fn embed(arguments: &arguments::Arguments) -> proc_macro2::TokenStream {
    let krate = match locate::Crate::current() {
        Ok(krate) => krate,
        Err(problems) => return problem::errors(arguments.span(), None, &problems),
    };
    let given = arguments.folder.as_ref().map(syn::LitStr::value);
    let embedded = krate.locate(given.as_deref()).and_then(|place| {
        let set = krate.read(&place)?;
        let schema = place.recorded()?;
        Ok(emit::module(arguments, &place, &set, &schema))
    });
    // What is wrong needs no tracking: a build that failed is always built again.
    embedded.unwrap_or_else(|problems| problem::errors(arguments.span(), Some(&krate.project), &problems))
}
