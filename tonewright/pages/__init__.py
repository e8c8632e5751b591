"""Local pages: a small loopback server, one look, plots drawn on this side; nothing from outside is loaded."""
