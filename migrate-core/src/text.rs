//! Bytes of a file to the text that is hashed and run.
