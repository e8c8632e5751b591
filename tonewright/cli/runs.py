"""`tonewright runs`: every training run with what came of it, and the loss curve of one."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from tonewright import runs
from tonewright.cli import show
from tonewright.cli.retrain import describe
from tonewright.errors import NothingToDo, UsageError
from tonewright.models import registry
from tonewright.workspace import Workspace, open_workspace

WIDTH = 60  # characters of a loss curve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("run", nargs="?", help="the run's name, or its beginning: its loss curve and figures")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit code 3 before the first run."""
    workspace = open_workspace()
    every = runs.every(workspace.ledger)
    if not every:
        raise NothingToDo("there was no run yet", "`tonewright retrain --why` tells what is missing")
    verdicts = {model.run: model for model in registry.every(workspace.ledger)}
    if args.run:
        every = [_named(every, args.run)]
    told = [_told(workspace, one, verdicts.get(one.id)) for one in every]
    if args.json:
        show.as_json({"runs": told})
        return 0
    show.table([_line(record) for record in told], indent="")
    if args.run:
        _print_curve(told[0])
    return 0


def _named(every: list[runs.Run], word: str) -> runs.Run:
    found = [one for one in every if one.id.startswith(word)]
    if len(found) != 1:
        raise UsageError(f"{len(found) or 'no'} runs begin with {word!r}", "`tonewright runs` lists them")
    return found[0]


def _told(workspace: Workspace, one: runs.Run, model: registry.Model | None) -> dict[str, Any]:
    """The run with the trainer's figures: those that came back, or the last that the host told while it goes on."""
    file = workspace.state / "models" / one.id / "metrics.json"
    metrics = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    live = one.progress.get("progress") or {}
    return {
        **asdict(one),
        "verdict": model.verdict if model else "",
        "model": model.id if model else None,
        "how": describe(one),
        "metrics": metrics,
        "losses": metrics.get("losses") or live.get("losses") or [],
    }


def _line(record: dict[str, Any]) -> tuple[object, ...]:
    metrics = record["metrics"]
    loss = f"held-out {metrics['heldout_loss_before']:.2f} → {metrics['heldout_loss_after']:.2f}" if metrics else ""
    speed = f"{metrics['steps']} steps, {metrics['seconds'] / 60:.1f} min" if metrics else ""
    how = f"{record['verdict']} as model {record['model']}" if record["verdict"] else record["how"]
    return (record["id"], show.clock(record["created"]), record["host"], record["recipe"], speed, loss, how)


def _print_curve(record: dict[str, Any]) -> None:
    losses = record["losses"]
    if len(losses) < 2:
        print("  no losses have come back yet")
        return
    bins = min(WIDTH, len(losses))
    means = []
    for n in range(bins):
        part = losses[n * len(losses) // bins : (n + 1) * len(losses) // bins]
        means.append(sum(loss for _, loss in part) / len(part))
    print(f"  training loss  {show.sparkline(means)}  {means[0]:.2f} → {means[-1]:.2f} nats per token")
    print(f"                 step {losses[0][0]:.0f}{' ' * max(1, bins - 12)}step {losses[-1][0]:.0f}")
