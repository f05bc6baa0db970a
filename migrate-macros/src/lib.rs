//! `embed!`: a migrate-core set as tokens. The macro that people call is in migrate-runtime; it passes its `$crate` here, so that
//! it works under whatever name the application has it.

mod arguments;
mod emit;
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

fn embed(arguments: &arguments::Arguments) -> proc_macro2::TokenStream {
    let place = match locate::locate(arguments.folder.as_ref().map(|folder| folder.value()).as_deref()) {
        Ok(place) => place,
        Err(problem) => return problem::errors(arguments, None, [problem]),
    };
    match place.read() {
        Ok(set) => emit::module(arguments, &place, &set),
        // What is wrong is read again when it is mended, because a failed build is always built again.
        Err(problems) => problem::errors(arguments, Some(&place.project), problems),
    }
}
