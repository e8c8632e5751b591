"""What is done about it: one Huey object, one file per task."""
