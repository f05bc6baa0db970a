//! What stays of a run beside the history: the log folder with its events, texts and reports.
