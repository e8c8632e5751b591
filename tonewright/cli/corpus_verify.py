"""`tonewright corpus verify`: do exports, ledger and posts agree, and is what was forgotten gone?"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from tonewright.cli import show
from tonewright.corpus.verify import verify
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(act=_run)


def _run(args: argparse.Namespace) -> int:
    """Exit code 1 when there is any fault."""
    found = verify(open_workspace())
    if args.json:
        show.as_json({"sound": not found.faults, **asdict(found)})
        return int(bool(found.faults))
    for fault in found.faults:
        print(f"✗ {fault}")
    for remark in found.remarks:
        print(f"  {remark}")
    if not found.faults:
        print(f"✓ {found.passages} passages and {found.rows} rows agree with their sources and exports")
    return int(bool(found.faults))
