"""What the author is asked, in which order, and what becomes of the answer; the pages are in `tonewright.pages`."""
