"""The tone vocabulary, the marks an author writes, and the embedded tagger."""
