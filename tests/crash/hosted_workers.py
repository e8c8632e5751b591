"""Workers with a hosted model, killed and replaced while they are at it.

`python hosted_workers.py spend ROOT WORKERS KILLS`: many that spend the budget as fast as they can.
`python hosted_workers.py batch ROOT ROUNDS KILLS`: one that sends batches. The libraries are loaded before a fork.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

ENDED = 3  # how a worker ends that has nothing left to do
PATIENCE = 20  # looks at a cap that other workers' reservations may yet leave


def spend(root: Path, number: int) -> None:
    """Ask about one new passage after another until the cap stays shut."""
    from tonewright.errors import TryLater
    from tonewright.hosted.budget import OverBudget
    from tonewright.hosted.endpoint import endpoint_for
    from tonewright.hosted.tagging import HostedTagger
    from tonewright.workspace import open_workspace

    workspace = open_workspace(root)
    tagger = HostedTagger(workspace, endpoint_for(workspace))
    asked = refused = 0
    while refused < PATIENCE:
        try:
            tagger.suggest([f"Worker {number} of process {os.getpid()} writes its passage {asked}, as dry as it can."])
            asked, refused = asked + 1, 0
        except OverBudget:
            refused += 1
            time.sleep(0.02)
        except TryLater:
            with workspace.ledger.transaction() as tx:  # time passes
                tx.execute("UPDATE outbox SET retry_at = 0 WHERE retry_at > 0")
            asked += random.random() < 0.5  # another passage, or the same again


def send_batches(root: Path) -> None:
    """Work until every event of the blog is done; time passes for what waits, but not for a submission under way."""
    from tasks.consumer import drain
    from tonewright.workspace import open_workspace
    from watchers.loop import scan_all
    from watchers.settle import Settling

    workspace = open_workspace(root)
    scan_all(workspace, Settling(0))
    while workspace.ledger.read("SELECT 1 FROM events WHERE state IN ('pending', 'leased')"):
        with workspace.ledger.transaction() as tx:
            tx.execute("UPDATE events SET next_at = 0, state = 'pending', lease_token = NULL WHERE state = 'leased'")
            tx.execute("UPDATE events SET next_at = 0")
            tx.execute("UPDATE batches SET looked = 0 WHERE state = 'submitted'")
            tx.execute("UPDATE batch_wishes SET at = 0")
        drain(workspace)
        time.sleep(0.05)


def batches(root: Path, rounds: int, kills: int) -> None:
    """In each round some posts come in, and whoever works on them is killed `kills` times before one may finish."""
    chance = random.Random(5)
    for number in range(rounds):
        for post in range(3):
            file = root / "_posts" / f"2026-01-02-round-{number}-{post}.md"
            file.parent.mkdir(exist_ok=True)
            file.write_text(f"In round {number} the lift was out of order, and {post} people said nothing about it.\n")
        subprocess.run(["git", "add", "-A"], cwd=root, check=True)
        subprocess.run(["git", "commit", "-q", "-m", "a round"], cwd=root, check=True)
        for _ in range(kills):
            pid = _fork(lambda: send_batches(root))
            _until_it_submits()
            time.sleep(chance.uniform(0, 0.8))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(os.waitpid(_fork(lambda: send_batches(root)), 0)[1]) == ENDED


def _until_it_submits() -> None:
    """Wait for an intent that was just written or taken up again, for a few seconds at most."""
    ledger = f"file:{os.environ['TONEWRIGHT_STATE']}/ledger.db?mode=ro"
    for _ in range(150):
        looked = 0.0
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(ledger, timeout=30, uri=True)) as db:
            looked = db.execute("SELECT MAX(looked) FROM batches WHERE state = 'intent'").fetchone()[0] or 0.0
        if time.time() - looked < 0.3:
            return
        time.sleep(0.02)


def spenders(root: Path, workers: int, kills: int) -> None:
    """Keep `workers` at it, kill one now and then, and wait until the cap has stopped all of them."""
    chance = random.Random(16)
    running: dict[int, int] = {}
    for number in range(workers):
        running[_fork(partial(spend, root, number))] = number
    for _ in range(kills):
        time.sleep(chance.uniform(0.05, 0.25))
        pid = chance.choice(list(running))
        os.kill(pid, signal.SIGKILL)
        number = running.pop(pid)
        os.waitpid(pid, 0)
        running[_fork(partial(spend, root, number))] = number
    ends = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in running]
    print(f"{sum(end == ENDED for end in ends)} of {workers} stopped by the cap")


def _fork(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(ENDED)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
    return pid


if __name__ == "__main__":
    import openai  # noqa: F401
    from openai.resources import batches as _batches  # noqa: F401
    from openai.resources import chat, files  # noqa: F401

    {"spend": spenders, "batch": batches}[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
