"""The worker process: Huey's consumer, with the sweeper beside it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from tasks import models
from tasks.queue import connect, ring
from tasks.run import run_event
from tasks.sweeper import Sweeper
from tonewright.corpus import trigger
from tonewright.ledger.leases import due
from tonewright.workspace import Workspace

log = logging.getLogger("tonewright.tasks")
SWEEP_SECONDS = 1.0
TRIGGER_SECONDS = 300.0
WORKERS = 2  # slow steps wait for the model or for a host; two keep small events flowing past them


def run(workspace: Workspace) -> None:
    """Work until SIGTERM or ^C; what is in hand is finished first."""
    huey = connect(workspace)
    huey.flush()  # ids of an earlier life: the sweeper rings what the ledger still holds
    stop = threading.Event()
    sweeper = threading.Thread(target=_sweep, args=(workspace, stop), daemon=True)
    sweeper.start()
    consumer = huey.create_consumer(
        workers=WORKERS,
        periodic=False,
        initial_delay=0.05,
        max_delay=0.5,
        graceful_signal="TERM",
        shutdown_timeout=20,
    )
    try:
        consumer.run()
    finally:
        stop.set()
        sweeper.join(timeout=5)
        models.close()  # before the interpreter takes llama.cpp apart


def _sweep(workspace: Workspace, stop: threading.Event) -> None:
    sweeper = Sweeper(workspace)
    looked = time.monotonic()
    while not stop.is_set():
        try:
            sweeper.sweep()
            # Most crossings are seen by the event that made them; the age of the last run crosses by itself.
            if time.monotonic() - looked > TRIGGER_SECONDS:
                looked = time.monotonic()
                ring(workspace, trigger.check(workspace))
        except Exception:  # a full disk or a lock: the next pass tries again
            log.exception("the sweeper met an error")
        stop.wait(SWEEP_SECONDS)


def drain(workspace: Workspace, on_event: Callable[[int], None] | None = None, patience: float = 0.0) -> int:
    """Work off everything that is due in this process; returns how many events were run.

    Waits up to `patience` seconds for events whose time has not come yet (a training run that is polled).
    """
    done = 0
    end = time.monotonic() + patience
    while True:
        ready = due(workspace.ledger)
        for event in ready:
            run_event(workspace, event)
            done += 1
            if on_event:
                on_event(event)
        if not ready:
            if time.monotonic() >= end:
                return done
            time.sleep(0.2)
