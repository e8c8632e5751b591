"""A voice note: is it whole, what is in it, what was said."""
