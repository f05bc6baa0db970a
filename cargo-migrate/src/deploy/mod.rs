//! The whole of a production run, as one plan that is written down step by step and can be taken up again.
