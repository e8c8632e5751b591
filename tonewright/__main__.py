"""`python -m tonewright` is `tonewright`."""

import os
import sys
from pathlib import Path

# `-m` puts the current folder first, and a blog may well have a `tasks.py` or a `hooks` package of its own.
if sys.path[0] == os.getcwd() != str(Path(__file__).parents[1]):  # noqa: PTH109 - compared with what Python put there
    del sys.path[0]

from tonewright.cli.main import main

sys.exit(main())
