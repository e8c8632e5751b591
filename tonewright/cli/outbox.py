"""`tonewright outbox`: everything that ever left this machine, by hash, and what a file would send."""

from __future__ import annotations

import argparse
import time

from tonewright.cli import show
from tonewright.errors import NothingToDo
from tonewright.hosted.budget import money, spent
from tonewright.hosted.gate import ALLOW
from tonewright.hosted.outbox import Explained, Left, as_record, everything, explain
from tonewright.workspace import Workspace, open_workspace

YES_OR_NO = {True: "yes", False: "NO"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--explain", metavar="PATH[:LINE]", help="may this post leave, and which bytes would")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit code 3 when nothing ever left; with --explain, 4 when the file may not."""
    workspace = open_workspace()
    if args.explain:
        told = explain(workspace, args.explain)
        (_explain_json if args.json else _explain)(told)
        return 0 if told.decision.verdict == ALLOW else 4
    left = everything(workspace.ledger)
    caps = spent(workspace.ledger, workspace.config.hosted, time.time())
    if args.json:
        told_caps = {name: {"spent": used / 1e6, "cap": cap / 1e6} for name, (used, cap) in caps.items()}
        show.as_json({"left": [as_record(row) for row in left], "caps": told_caps})
        return 0
    if not left:
        raise NothingToDo("nothing ever left this machine", _what_next(workspace))
    show.table([_HEAD, *map(_row, left)], indent="")
    for name, (used, cap) in caps.items():
        print(f"{name}: {money(used)} of {money(cap)} spent or reserved")
    return 0


_HEAD = ("when", "host", "model", "purpose", "sha256", "bytes", "tokens", "cost", "event", "result")


def _row(left: Left) -> tuple[object, ...]:
    tokens = "?" if left.tokens_in is None else f"{left.tokens_in}+{left.tokens_out}"
    cost = f"≤{money(left.reserved)}" if left.cost is None else money(left.cost)
    result = f"{left.state}: {left.result}" if left.result else left.state
    where = "" if left.event is None else f"{left.event} {left.source}"
    return (
        show.clock(left.at),
        left.host,
        left.model,
        left.purpose,
        left.sha256[:12],
        left.bytes,
        tokens,
        cost,
        where,
        result,
    )


def _what_next(workspace: Workspace) -> str:
    if workspace.config.hosted.folders:
        return "`tonewright outbox --explain PATH` tells what would"
    return "no folder is opted in (hosted.folders)"


def _explain(told: Explained) -> None:
    print(f"{told.path}: {told.decision.verdict}")
    show.table([(reason.gate, YES_OR_NO[reason.verdict == ALLOW], reason.words) for reason in told.decision.reasons])
    if told.bodies:
        print(
            "would leave:"
            if told.decision.verdict == ALLOW
            else "stays here; if every gate said yes, this would leave:"
        )
    for body in told.bodies:
        print(body.decode())


def _explain_json(told: Explained) -> None:
    show.as_json(
        {
            "path": told.path,
            "verdict": told.decision.verdict,
            "reasons": [vars(reason) for reason in told.decision.reasons],
            "bodies": [body.decode() for body in told.bodies],
        }
    )
