"""Whether a new model may replace the champion."""
