"""`tonewright rewrite` with a voice that is slow, and says on stderr when its second paragraph begins.

Used as `python slow_voice.py FILE [options]`, as the command is.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time

from tests.voices import Scripted
from tonewright.cli import rewrite
from tonewright.cli.voice import read_input
from tonewright.workspace import open_workspace


class Slow:
    """Shouts at once the first time, and then takes long."""

    asked = 0

    def __call__(self, said: str) -> str:
        """The answer."""
        self.asked += 1
        if self.asked > 1:
            print("second", file=sys.stderr, flush=True)
            time.sleep(30)
        return said.upper()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background hands down an ignored one
    parser = argparse.ArgumentParser()
    rewrite.add_arguments(parser)
    args = parser.parse_args()
    text, name = read_input(args.file)
    workspace = open_workspace()
    code = rewrite.perform(workspace, args, text, name, Scripted(Slow()))
    workspace.ledger.close()
    sys.exit(code)
