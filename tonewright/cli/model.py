"""`tonewright model`: which models there are, what the gate said, and who writes."""

from __future__ import annotations

import argparse
import webbrowser
from dataclasses import asdict

from tonewright.cli import model_export, show
from tonewright.corpus.lineage import stale
from tonewright.errors import NothingToDo, Refused
from tonewright.ledger.store import Ledger
from tonewright.models import registry
from tonewright.review.blind import tally
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|show|promote|rollback|export")
    listed = actions.add_parser("list", help="all models, newest first")
    listed.add_argument("--json", action="store_true", help="one JSON object")
    shown = actions.add_parser("show", help="what the gate said of one model")
    shown.add_argument("model", nargs="?", default=registry.CHALLENGER, help="number, run or alias")
    shown.add_argument("--open", action="store_true", help="show its page, with plots, in the browser")
    shown.add_argument("--json", action="store_true", help="one JSON object")
    promoted = actions.add_parser("promote", help="make a model the champion")
    promoted.add_argument("model", help="number, run or alias")
    promoted.add_argument("--anyway", action="store_true", help="although the gate refused it")
    promoted.add_argument("--json", action="store_true", help="one JSON object")
    rolled = actions.add_parser("rollback", help="back to the champion before")
    rolled.add_argument("--json", action="store_true", help="one JSON object")
    model_export.add_arguments(actions.add_parser("export", help="merge one into its base, for other programs"))


def run(args: argparse.Namespace) -> int:
    """Exit code 4 when a refused model is to be promoted without `--anyway`."""
    if args.action == "export":
        return model_export.run(args)
    workspace = open_workspace()
    ledger = workspace.ledger
    if args.action == "rollback":
        return _writes_now(registry.rollback(ledger), args)
    if args.action == "promote":
        return _promote(args)
    if args.action == "show":
        return _show(ledger, registry.find(ledger, args.model), args)
    models = registry.every(ledger)
    aliases = registry.aliases(ledger)
    why = {m.id: stale(workspace, m) for m in models}
    if args.json:
        told = {m.id: {"folder": str(m.folder), "aliases": aliases[m.id], "stale": why[m.id]} for m in models}
        show.as_json({"models": [{**asdict(m), **told[m.id]} for m in models]})
        return 0
    if not models:
        raise NothingToDo("there is no model yet", "`tonewright retrain --why` tells what is missing")
    show.table(
        [
            (
                f"{m.id}",
                ", ".join(aliases[m.id]),
                f"{m.verdict}, stale" if why[m.id] else m.verdict,
                m.run,
                show.clock(m.created),
                why[m.id] or "; ".join(m.report["reasons"][:1]),
            )
            for m in models
        ],
        indent="",
    )
    return 0


def _promote(args: argparse.Namespace) -> int:
    ledger = open_workspace().ledger
    model = registry.find(ledger, args.model)
    if model.stale and not args.anyway:
        raise Refused(f"model {model.id} is stale: {model.stale}", "retrain; --anyway overrides it")
    if model.verdict != "promoted" and not args.anyway:
        raise Refused(f"the gate refused model {model.id}", "`tonewright model show` tells why; --anyway overrides it")
    _ = model.adapter  # still the file that was checked?
    with ledger.transaction() as tx:
        registry.promote(tx, model.id)
    return _writes_now(model, args)


def _writes_now(model: registry.Model, args: argparse.Namespace) -> int:
    if args.json:
        show.as_json({"champion": model.id, "run": model.run, "verdict": model.verdict})
    else:
        print(f"champion: model {model.id}")
    return 0


def _show(ledger: Ledger, model: registry.Model, args: argparse.Namespace) -> int:
    """What the gate said, and the author; an older model, or one that saw a forgotten text, has no page."""
    page = model.folder / registry.REPORT_PAGE
    if args.open and not page.is_file():
        raise NothingToDo(f"model {model.id} has no page", "`tonewright model show` prints what the gate said")
    blind = tally(ledger, model)
    if args.json:
        shown = str(page) if page.is_file() else None
        show.as_json({**asdict(model), "folder": str(model.folder), "page": shown, "blind": blind.as_record()})
    else:
        print((model.folder / registry.REPORT_TEXT).read_text(encoding="utf-8"))
        print(f"which is you? {blind.told()}")
        if page.is_file():
            print(f"with plots: {page}")
    if args.open:
        webbrowser.open(page.as_uri())
    return 0
