"""`tonewright review`: go through what waits for a tone, in the browser and by keys, or tell yourself from a model."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from tonewright.cli import show
from tonewright.cli.page import add_page_arguments, serve
from tonewright.errors import NothingToDo, UsageError
from tonewright.models import registry
from tonewright.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from tonewright.review.deck import Deck

LIMIT = 100  # passages: ten minutes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--limit", type=int, default=LIMIT, help="at most so many passages (%(default)s)")
    parser.add_argument(
        "--blind",
        nargs="?",
        const=registry.CHALLENGER,
        metavar="MODEL",
        help="instead: which of three texts is yours? The others are by a model (the latest) and by its rival",
    )
    add_page_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print the address as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Serve until ^C. Exit code 3 when there is nothing to ask about, 75 when the port is taken."""
    from tonewright.pages.html import environment

    environment()  # says what to install before anything else does
    if args.limit < 1:
        raise UsageError("--limit counts from 1", "leave it out for the usual one")
    workspace = open_workspace()
    return _blind(workspace, args) if args.blind else _review(workspace, args)


def _review(workspace: Workspace, args: argparse.Namespace) -> int:
    from tonewright.pages.review import ReviewPage
    from tonewright.review.deck import Deck
    from tonewright.review.desk import Desk
    from tonewright.review.order import waiting
    from watchers import tagged

    tagged.scan(workspace)
    keys = waiting(workspace.ledger, workspace.config.tagger.threshold, args.limit)
    if not keys:
        raise NothingToDo("nothing waits for a tone", "`tonewright tones` shows what there is")
    deck = Deck(keys)
    desk = Desk(workspace, tagged.folder(workspace), lambda: tagged.scan(workspace))
    serve(args, ReviewPage(desk, deck).routes, workspace.ledger, _teller(args, deck.total, "passages to review"))
    print(_told(deck, workspace.config.tones.folder), file=sys.stderr)
    return 0


def _blind(workspace: Workspace, args: argparse.Namespace) -> int:
    from tonewright.pages.blind import BlindPage
    from tonewright.review import blind
    from tonewright.review.sitting import Sitting

    model = registry.find(workspace.ledger, args.blind)
    known = blind.answered(workspace.ledger, model)
    waiting = [question for question in blind.questions(model) if question.item not in known][: args.limit]
    if not waiting:
        why = blind.tally(workspace.ledger, model).told() if known else "the gate has kept no answers of it"
        raise NothingToDo(f"nothing is left to ask about model {model.id}", why)
    page = BlindPage(workspace.ledger, model, Sitting(waiting))
    serve(args, page.routes, workspace.ledger, _teller(args, len(waiting), "passages without names"))
    print(f"model {model.id}: {blind.tally(workspace.ledger, model).told()}", file=sys.stderr)
    return 0


def _teller(args: argparse.Namespace, number: int, what: str) -> Callable[[str], None]:
    """Says where the page is, and how long it is."""
    if args.json:
        return lambda url: show.as_json({"url": url, "passages": number})
    return lambda url: print(f"{number} {what}, until ^C: {url}")


def _told(deck: Deck, folder: str) -> str:
    """How the sitting went."""
    number = len(deck.answers)
    told = f"{number} passage{'s' * (number != 1)} decided, {len(deck.skipped)} put aside, {len(deck.waiting)} waiting"
    return f"{told}; commit {folder} to keep it on every machine" if number else told
