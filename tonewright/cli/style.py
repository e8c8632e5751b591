"""`tonewright style`: your habits as the corpus shows them, and the guide that an untrained base is given."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from tonewright.cli import show
from tonewright.corpus.style import LEAST, evidence, guide, measure, own_texts
from tonewright.errors import NothingToDo
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit code 3 while the corpus is empty."""
    workspace = open_workspace()
    habits = measure(own_texts(workspace.ledger))
    if not habits.sentences:
        raise NothingToDo("the corpus holds nothing of yours yet", "`tonewright status` shows what is on its way")
    if args.json:
        show.as_json({**asdict(habits), "guide": guide(habits)})
        return 0
    show.table(evidence(habits))
    print(f"\n{guide(habits) or f'No guide yet: {LEAST} sentences make a habit.'}")
    return 0
