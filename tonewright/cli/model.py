"""`tonewright model`: which models there are, what the gate said, and who writes."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from tonewright.cli import model_export, show
from tonewright.corpus.lineage import stale
from tonewright.errors import NothingToDo, Refused
from tonewright.models import registry
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|show|promote|rollback|export")
    listed = actions.add_parser("list", help="all models, newest first")
    listed.add_argument("--json", action="store_true", help="one JSON object")
    shown = actions.add_parser("show", help="what the gate said of one model")
    shown.add_argument("model", nargs="?", default=registry.CHALLENGER, help="number, run or alias")
    shown.add_argument("--json", action="store_true", help="one JSON object")
    promoted = actions.add_parser("promote", help="make a model the champion")
    promoted.add_argument("model", help="number, run or alias")
    promoted.add_argument("--anyway", action="store_true", help="although the gate refused it")
    actions.add_parser("rollback", help="back to the champion before")
    model_export.add_arguments(actions.add_parser("export", help="merge one into its base, for other programs"))


def run(args: argparse.Namespace) -> int:
    """Exit code 4 when a refused model is to be promoted without `--anyway`."""
    if args.action == "export":
        return model_export.run(args)
    workspace = open_workspace()
    ledger = workspace.ledger
    if args.action == "rollback":
        print(f"champion: model {registry.rollback(ledger).id}")
        return 0
    if args.action == "promote":
        return _promote(args)
    if args.action == "show":
        model = registry.find(ledger, args.model)
        if args.json:
            show.as_json({**asdict(model), "folder": str(model.folder)})
        else:
            print((model.folder / "report.md").read_text(encoding="utf-8"))
        return 0
    models = registry.every(ledger)
    aliases = {m.id: name for name in ("previous", "challenger", "champion") if (m := registry.alias(ledger, name))}
    why = {m.id: stale(workspace, m) for m in models}
    if args.json:
        told = {m.id: {"folder": str(m.folder), "alias": aliases.get(m.id), "stale": why[m.id]} for m in models}
        show.as_json({"models": [{**asdict(m), **told[m.id]} for m in models]})
        return 0
    if not models:
        raise NothingToDo("there is no model yet", "`tonewright retrain --why` tells what is missing")
    show.table(
        [
            (
                f"{m.id}",
                aliases.get(m.id, ""),
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
    print(f"champion: model {model.id}")
    return 0
