//! What `migrate_runtime::embed!` passes on.

use proc_macro2::{Span, TokenStream};
use syn::parse::{Parse, ParseStream};
use syn::{Ident, LitStr, bracketed};

/// `[$crate] [visibility] [name] [folder?]`.
pub(crate) struct Arguments {
    /// The runtime crate, under the name that the application has it.
    pub(crate) runtime: TokenStream,
    pub(crate) visibility: TokenStream,
    pub(crate) name: Ident,
    pub(crate) folder: Option<LitStr>,
}

impl Arguments {
    /// Where an error points: at the folder, or at the whole call.
    pub(crate) fn span(&self) -> Span {
        self.folder.as_ref().map_or_else(Span::call_site, LitStr::span)
    }
}

impl Parse for Arguments {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let (runtime, visibility, name, folder);
        bracketed!(runtime in input);
        bracketed!(visibility in input);
        bracketed!(name in input);
        bracketed!(folder in input);
        Ok(Self {
            runtime: runtime.parse()?,
            visibility: visibility.parse()?,
            name: name.parse()?,
            folder: if folder.is_empty() { None } else { Some(folder.parse()?) },
        })
    }
}
