"""`tonewright lend`: answers `tonewright work` on another machine, over the SSH connection that started it."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from tonewright import __version__
from tonewright.ledger.lending import Lender
from tonewright.ledger.schema import VERSION
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", help="the blog whose ledger is lent")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when the other side hangs up. Its leases end with this process."""
    from tasks.workers import current_owner

    workspace = open_workspace(Path(args.folder).expanduser())
    greeting = {
        "tonewright": __version__,
        "ledger": VERSION,
        "owner": current_owner(workspace),
        "root": str(workspace.root),
        "settings": asdict(workspace.config),
    }
    Lender(workspace.ledger, sys.stdin.buffer, sys.stdout.buffer).serve(greeting)
    return 0
