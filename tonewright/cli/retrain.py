"""`tonewright retrain`: which rule lacks what, a run started by hand, and how a run is getting on."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict

from tonewright import runs
from tonewright.cli import retrain_plan, show
from tonewright.corpus import trigger
from tonewright.corpus.rows import collect
from tonewright.errors import NothingToDo, TonewrightError
from tonewright.events import RETRAIN, NewEvent
from tonewright.training.recipe import load_recipe, require_carried
from tonewright.workspace import Workspace, open_workspace

ATTACHED_SECONDS = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("action", nargs="?", choices=list(ACTIONS), help="plan: of the next run; else: of the latest")
    parser.add_argument("--why", action="store_true", help="print each rule with its count and what is missing")
    parser.add_argument("--now", action="store_true", help="start a run whatever the rules say")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Without arguments, starts a run if the rules are met; exit code 3 if they are not."""
    workspace = open_workspace()
    if args.action:
        return ACTIONS[args.action](workspace, args.json)
    if args.why:
        return _why(workspace, as_json=args.json)
    require_carried(load_recipe(workspace.config.training.recipe))
    if args.now:
        rows = collect(workspace.ledger, workspace.config)
        if not rows:
            raise NothingToDo("the corpus has no rows yet", "`tonewright status` shows what is on its way")
        event = NewEvent(RETRAIN, "corpus", f"by hand at {time.time()}", {"because": "asked for by hand"})
        added = workspace.ledger.add([event])
    else:
        added = trigger.check(workspace)
        if not added:
            raise NothingToDo("no retrain is due", "`tonewright retrain --why` tells what is missing, --now starts one")
    from tasks.queue import ring

    ring(workspace, added)
    print(f"#{added[0]} retrain: `tonewright retrain status` follows it (`tonewright up` does the work)")
    return 0


def _why(workspace: Workspace, *, as_json: bool) -> int:
    decision = trigger.look(workspace)
    if as_json:
        show.as_json(asdict(decision))
        return 0
    show.table(
        [
            (
                "met" if r.met else "not yet",
                r.name,
                f"{r.have} of {r.need}" if r.name.startswith("min") else f"{r.have} (asks for {r.need})",
                "" if r.met else f"missing: {r.missing}",
            )
            for r in decision.rules
        ],
        indent="",
    )
    if decision.fires:
        print(f"a retrain is due: {decision.because}")
    else:
        print(f"no retrain is due (counted from {_baseline(decision.baseline)})")
    return 0


def _baseline(name: str) -> str:
    return "the beginning" if name == "none" else f"snapshot {name}"


def _latest(workspace: Workspace) -> runs.Run:
    every = runs.every(workspace.ledger)
    if not every:
        raise NothingToDo("there was no run yet", "`tonewright retrain --why` tells what is missing")
    return every[0]


def _status(workspace: Workspace, as_json: bool) -> int:
    latest = _latest(workspace)
    if as_json:
        show.as_json({"run": asdict(latest)})
        return 0
    print(f"run {latest.id} on {latest.host}, recipe {latest.recipe}, begun {show.clock(latest.created)}")
    print(f"  {runs.describe(latest)}")
    return 0


def _attach(workspace: Workspace, as_json: bool) -> int:
    """Follow the latest run until it ends or ^C; whatever happens here, the run goes on."""
    latest = _latest(workspace)
    while latest.step != runs.FINISHED:
        event = workspace.ledger.read("SELECT state, note FROM events WHERE id = ?", (latest.event,))
        if event[0][0] in ("failed", "refused", "superseded"):
            raise TonewrightError(f"run {latest.id} stopped: {event[0][1]}", "`tonewright retry` starts it again")
        show.progress(f"{latest.id}: {runs.describe(latest)}")
        time.sleep(ATTACHED_SECONDS)
        latest = _latest(workspace)
    show.progress("")
    return _status(workspace, as_json)


def _logs(workspace: Workspace, as_json: bool) -> int:
    """What the trainer on the host printed last."""
    from tonewright.hosts import settings_for
    from tonewright.remote.courier import poll
    from tonewright.remote.host import open_host

    latest = _latest(workspace)
    with open_host(settings_for(workspace, latest.host)) as host:
        state = poll(host, latest.id)
    if as_json:
        show.as_json({"run": latest.id, **asdict(state)})
        return 0
    print(
        f"run {latest.id} on {latest.host}: {state.state}{f', ended with {state.rc}' if state.rc is not None else ''}"
    )
    print(state.log_tail or "it has printed nothing", end="" if state.log_tail.endswith("\n") else "\n")
    return 0


def _cancel(workspace: Workspace, as_json: bool) -> int:
    from tonewright.hosts import settings_for
    from tonewright.remote.courier import cancel
    from tonewright.remote.host import open_host

    open_runs = [r for r in runs.every(workspace.ledger) if r.step != runs.FINISHED]
    if not open_runs:
        raise NothingToDo("no run is under way")
    run = open_runs[0]
    with open_host(settings_for(workspace, run.host)) as host:
        cancel(host, run.id)
    with workspace.ledger.transaction() as tx:
        note = "cancelled by hand; `tonewright retry` starts it again"
        tx.execute(
            """UPDATE events SET state = 'failed', note = ?, lease_token = NULL, lease_owner = NULL, lease_until = NULL
               WHERE id = ? AND state IN ('pending', 'leased')""",
            (note, run.event),
        )
        tx.tell(run.event, "failed", note)
    print(f"run {run.id} is cancelled")
    return 0


ACTIONS = {"plan": retrain_plan.run, "status": _status, "attach": _attach, "logs": _logs, "cancel": _cancel}
