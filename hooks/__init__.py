"""What Git tells us: the doorbell hooks, and the scans that find new commits and pushes."""
