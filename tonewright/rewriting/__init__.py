"""The author's voice put to work on a Markdown file: prose in, prose out, everything else untouched."""
