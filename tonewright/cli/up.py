"""`tonewright up`: the watchers and the queue's workers in one process tree, until stopped or drained."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
from types import FrameType
from typing import TYPE_CHECKING

from tonewright.cli import show
from tonewright.process import start, stop
from tonewright.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from subprocess import Popen

RESTART_SECONDS = 1.0
STOP_SECONDS = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--once", action="store_true", help="work off what is there, then stop")
    parser.add_argument("--role", choices=["watchers", "tasks"], help=argparse.SUPPRESS)
    parser.add_argument("--lifeline", type=int, help=argparse.SUPPRESS)
    parser.add_argument("-v", "--verbose", action="store_true", help="tell more")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 after a clean stop (SIGTERM or ^C)."""
    logging.basicConfig(
        level=logging.INFO if args.verbose else logging.WARNING,
        format="%(asctime)s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
    )
    logging.getLogger("huey").setLevel(logging.ERROR)  # it speaks of every doorbell; the ledger tells the story
    logging.getLogger("tonewright").setLevel(logging.INFO)
    workspace = open_workspace()
    if args.role:
        return _child(workspace, args.role, args.lifeline)
    return _once(workspace) if args.once else _tree(workspace, args.verbose)


def _once(workspace: Workspace) -> int:
    """Scan, work off everything that can be done now, and follow a retrain to its end."""
    from tasks import listen, models
    from tasks.consumer import drain
    from tasks.notify import Teller
    from tasks.workers import living
    from tonewright.ledger.leases import release_dead
    from watchers.loop import scan_all
    from watchers.settle import Settling

    settling = Settling(workspace.config.notes.settle_seconds)
    release_dead(workspace.ledger, living(workspace))
    listen.catch_up(workspace)
    done = 0
    while True:
        scan_all(workspace, settling, lambda n: show.progress(f"{n} versions of posts read"))
        worked = drain(workspace, lambda e: show.progress(f"working on event {e}"))
        done += worked
        if worked:
            continue  # meanwhile a note may have become quiet, and only a look tells
        if not settling.arriving_soon and not _polling(workspace):
            break
        time.sleep(0.5)
    models.close()
    Teller(workspace).tell()
    show.progress(f"{done} event{'s' * (done != 1)} worked on", last=True)
    return 0


def _polling(workspace: Workspace) -> bool:
    """Whether a training run is under way that is worth waiting for."""
    rows = workspace.ledger.read(
        "SELECT 1 FROM events WHERE kind = 'retrain' AND state = 'pending' AND next_at < ?",
        (time.time() + 30,),
    )
    return bool(rows)


class Child:
    """One process of the tree. It ends when the pipe that it was born with closes, so it never outlives us."""

    def __init__(self, role: str, verbose: bool) -> None:
        self.role, self.verbose = role, verbose
        self.process: Popen[bytes] | None = None
        self.started = 0.0

    def keep_alive(self) -> None:
        """Start it, or start it again if it died."""
        if self.process is not None and self.process.poll() is None:
            return
        if time.monotonic() - self.started < RESTART_SECONDS:
            return
        if self.process is not None:
            logging.getLogger("tonewright.up").warning(
                "the %s died (%s); started again", self.role, self.process.returncode
            )
        reader, self._writer = os.pipe()
        command = [sys.executable, "-m", "tonewright", "up", "--role", self.role, "--lifeline", str(reader)]
        self.process = start([*command, *(["-v"] if self.verbose else [])], pass_fds=[reader])
        os.close(reader)
        self.started = time.monotonic()

    def stop(self) -> None:
        """Ask it to finish what it holds, then insist."""
        if self.process is not None:
            stop(self.process, STOP_SECONDS)


def _tree(workspace: Workspace, verbose: bool) -> int:
    from tasks.workers import only_one

    stopping = False

    def end(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    with only_one(workspace, "up"):
        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        children = [Child("watchers", verbose), Child("tasks", verbose)]
        print(f"tonewright is watching {workspace.root}; ^C stops it", file=sys.stderr, flush=True)
        while not stopping:
            for child in children:
                child.keep_alive()
            time.sleep(0.2)
        for child in children:
            child.stop()
    return 0


def _child(workspace: Workspace, role: str, lifeline: int) -> int:
    """The body of one process of the tree."""
    import threading

    def follow_parent() -> None:
        os.read(lifeline, 1)  # returns when the parent is gone, however it went
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=follow_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C reaches the whole group; the parent decides
    if role == "tasks":
        from tasks import consumer

        consumer.run(workspace)
        return 0
    from watchers import loop

    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    loop.run(workspace, ended.is_set)
    return 0
