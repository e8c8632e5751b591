"""A post as text with structure: front matter, passages, spans."""
