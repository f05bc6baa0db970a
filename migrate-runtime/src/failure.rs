//! From a server's error to one that knows its place in a file.

use tokio_postgres::error::{DbError, ErrorPosition};

use crate::error::ServerError;

impl From<&DbError> for ServerError {
    fn from(error: &DbError) -> Self {
        let named = [
            ("schema", error.schema()),
            ("table", error.table()),
            ("column", error.column()),
            ("data type", error.datatype()),
            ("constraint", error.constraint()),
        ];
        Self {
            severity: error.severity().to_owned(),
            code: error.code().code().to_owned(),
            message: error.message().to_owned(),
            detail: error.detail().map(str::to_owned),
            hint: error.hint().map(str::to_owned),
            context: error.where_().map(str::to_owned),
            object: named
                .into_iter()
                .filter_map(|(kind, name)| name.map(|name| (kind, name.to_owned())))
                .collect(),
            internal: match error.position() {
                Some(ErrorPosition::Internal { position, query }) => Some((query.clone(), *position)),
                _ => None,
            },
        }
    }
}

/// The byte that a server's position names: 1-based, in characters of the message, or in bytes where the database's
/// encoding is SQL_ASCII (`pg_mbstrlen_with_len` in errposition's callers).
pub(crate) fn byte_of(message: &str, position: u32, in_bytes: bool) -> usize {
    let index = (position as usize).saturating_sub(1);
    if in_bytes {
        (index..message.len()).find(|&at| message.is_char_boundary(at)).unwrap_or(message.len())
    } else {
        message.char_indices().nth(index).map_or(message.len(), |(at, _)| at)
    }
}

/// The original position in the message, where the server named one.
pub(crate) fn original_position(error: &DbError) -> Option<u32> {
    match error.position() {
        Some(ErrorPosition::Original(position)) => Some(*position),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_characters() {
        assert_eq!(byte_of("é;x", 1, false), 0);
        assert_eq!(byte_of("é;x", 2, false), 2);
        assert_eq!(byte_of("é;x", 3, true), 2);
        assert_eq!(byte_of("é", 9, false), 2);
    }
}
