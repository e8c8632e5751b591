"""What the author decided: tonewright.toml, the user file, the environment."""
