"""`python -m tonewright` is `tonewright`."""

import sys

from tonewright.cli.main import main

sys.exit(main())
