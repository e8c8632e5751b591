"""What the file system tells us: folders scanned against a manifest, woken by native events."""
