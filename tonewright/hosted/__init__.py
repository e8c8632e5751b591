"""What may leave this machine, what it costs, and the one client that sends it."""
