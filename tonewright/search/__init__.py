"""What the author has already written, found again: index, search, related posts, answers, coverage."""
