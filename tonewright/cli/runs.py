"""`tonewright runs`: every training run with what came of it, and the loss curve of one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tonewright import runs
from tonewright.cli import show
from tonewright.corpus.export import write_lines
from tonewright.errors import NothingToDo, UsageError
from tonewright.models import registry
from tonewright.workspace import Workspace, open_workspace

WIDTH = 60  # characters of a loss curve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("run", nargs="?", help="the run's name, or its beginning: its loss curve and figures")
    parser.add_argument(
        "--page",
        type=Path,
        metavar="FILE.html",
        help="write the page of one run, with plots, as one file; `tonewright dashboard` shows the same, live",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit code 3 before the first run."""
    workspace = open_workspace()
    every = runs.every(workspace.ledger)
    if not every:
        raise NothingToDo("there was no run yet", "`tonewright retrain --why` tells what is missing")
    if args.page:
        return _write_page(workspace, _named(every, args.run or every[0].id), args.page)
    verdicts = {model.run: model for model in registry.every(workspace.ledger)}
    if args.run:
        every = [_named(every, args.run)]
    told = [runs.told(one, workspace.state, verdicts.get(one.id)) for one in every]
    if args.json:
        show.as_json({"runs": told})
        return 0
    show.table([_line(record) for record in told], indent="")
    if args.run:
        _print_curve(told[0])
        _print_preference(told[0]["metrics"].get("preference"))
    return 0


def _named(every: list[runs.Run], word: str) -> runs.Run:
    found = [one for one in every if one.id.startswith(word)]
    if len(found) != 1:
        raise UsageError(f"{len(found) or 'no'} runs begin with {word!r}", "`tonewright runs` lists them")
    return found[0]


def _write_page(workspace: Workspace, one: runs.Run, file: Path) -> int:
    from tonewright.pages.html import environment

    environment()  # says what to install before anything else does
    from tonewright.pages.dashboard import run_page

    write_lines(run_page(workspace, one).decode().splitlines(), file.absolute())
    print(f"wrote {file}")
    return 0


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


def _print_preference(told: dict[str, Any] | None) -> None:
    if told:
        _, loss, accuracy, margin = told["losses"][-1]
        print(
            f"  {told['pairs']} preference pairs in {told['steps']} steps: loss {loss:.2f}, {accuracy:.0%} of the last "
            f"ones as preferred, by {margin:.2f} on average"
        )
