"""`tonewright review`: go through what is waiting for a tone, in the browser, by keys."""

from __future__ import annotations

import argparse
import signal
import sys
import webbrowser
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

from tonewright.cli import show
from tonewright.errors import NothingToDo, UsageError
from tonewright.workspace import open_workspace

if TYPE_CHECKING:
    from tonewright.review.deck import Deck

LIMIT = 100  # passages: ten minutes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--limit", type=int, default=LIMIT, help="at most so many passages (%(default)s)")
    parser.add_argument("--port", type=int, default=0, help="of this machine; any that is free unless said")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument("--json", action="store_true", help="print the address as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Serve until ^C. Exit code 3 when nothing waits for a tone, 75 when the port is taken."""
    from tonewright.pages.html import environment

    environment()  # says what to install before anything else does
    from tonewright.pages.review import ReviewPage
    from tonewright.pages.server import Server
    from tonewright.review.deck import Deck
    from tonewright.review.desk import Desk
    from tonewright.review.order import waiting
    from watchers import tagged

    if args.limit < 1 or not 0 <= args.port < 1 << 16:
        raise UsageError("--limit counts from 1, and --port from 0 to 65535", "leave them out for the usual ones")
    workspace = open_workspace()
    tagged.scan(workspace)
    keys = waiting(workspace.ledger, workspace.config.tagger.threshold, args.limit)
    if not keys:
        raise NothingToDo("nothing waits for a tone", "`tonewright tones` shows what there is")
    deck = Deck(keys)
    desk = Desk(workspace, tagged.folder(workspace), lambda: tagged.scan(workspace))
    with Server(args.port, ReviewPage(desk, deck).routes, workspace.ledger.release) as server:
        if args.json:
            show.as_json({"url": server.url, "passages": deck.total})
        else:
            print(f"{deck.total} passages to review, until ^C: {server.url}")
        sys.stdout.flush()
        if not args.no_browser:
            webbrowser.open(server.url)
        for stop in (signal.SIGINT, signal.SIGTERM):
            signal.signal(stop, _end)
        with suppress(KeyboardInterrupt):
            server.serve_forever(poll_interval=0.1)
    print(_told(deck, workspace.config.tones.folder), file=sys.stderr)
    return 0


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _told(deck: Deck, folder: str) -> str:
    """How the sitting went."""
    number = len(deck.answers)
    told = f"{number} passage{'s' * (number != 1)} decided, {len(deck.skipped)} put aside, {len(deck.waiting)} waiting"
    return f"{told}; commit {folder} to keep it on every machine" if number else told
