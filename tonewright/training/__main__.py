"""`python -m tonewright.training JOBDIR`: run the training job in a folder."""

from __future__ import annotations

import sys

from tonewright.training.job import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
