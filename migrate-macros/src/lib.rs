//! `embed!`: a migrate-core set as tokens.
