"""What the commands with a local page share: their options, and serving it until ^C."""

from __future__ import annotations

import argparse
import signal
import sys
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

from tonewright.errors import UsageError
from tonewright.ledger.store import Ledger

if TYPE_CHECKING:
    from tonewright.pages.server import Routes


def add_page_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the page is, and who opens it."""
    parser.add_argument("--port", type=int, default=0, help="of this machine; any that is free unless said")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")


def serve(args: argparse.Namespace, routes: Routes, ledger: Ledger, tell: Callable[[str], None]) -> None:
    """Serve `routes` until ^C; `tell` is given the address. Raises `TryLater` when the port is taken."""
    from tonewright.pages.server import Server

    if not 0 <= args.port < 1 << 16:
        raise UsageError(f"--port is {args.port}", "give a number from 0 to 65535, or leave it out")
    with Server(args.port, routes, ledger.release) as server:
        tell(server.url)
        sys.stdout.flush()
        if not args.no_browser:
            webbrowser.open(server.url)
        for stop in (signal.SIGINT, signal.SIGTERM):
            signal.signal(stop, _end)
        with suppress(KeyboardInterrupt):
            server.serve_forever(poll_interval=0.1)


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
