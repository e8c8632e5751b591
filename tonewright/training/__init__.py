"""From a snapshot of rows to a trained adapter, in a job folder."""
