"""The worker process: Huey's consumer, with the sweeper beside it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

from huey.api import Huey
from huey.consumer import ConsumerStopped

from tasks import listen, models
from tasks.notify import Teller
from tasks.queue import ANYWHERE, HERE, connect, ring
from tasks.run import run_event
from tasks.sweeper import Sweeper
from tonewright.config.schema import SQLITE
from tonewright.corpus import trigger
from tonewright.ledger import story
from tonewright.ledger.leases import due
from tonewright.workspace import Workspace

log = logging.getLogger("tonewright.tasks")
SWEEP_SECONDS = 1.0
TRIGGER_SECONDS = 300.0
HEALTH_SECONDS = 10.0
THREADS = {ANYWHERE: 1, HERE: 2}  # small events flow past a slow retrain; the model thinks one thought at a time


def run(workspace: Workspace) -> None:
    """Work until SIGTERM or ^C; what is in hand is finished first."""
    queues = {connect(workspace, line): threads for line, threads in THREADS.items()}
    if workspace.config.queue == SQLITE:
        for queue in queues:  # ids of an earlier life: the sweeper rings what the ledger still holds
            queue.flush()
    listen.catch_up(workspace)
    stop = threading.Event()
    sweeper = threading.Thread(target=_sweep, args=(workspace, stop), daemon=True)
    sweeper.start()
    try:
        consume(queues)
    finally:
        stop.set()
        sweeper.join(timeout=5)
        models.close()  # before the interpreter takes llama.cpp apart


def consume(queues: Mapping[Huey, int], until: Callable[[], bool] = lambda: False) -> None:
    """Take ids off `queues`, each with its number of threads; returns when what was in hand is finished.

    Ends at SIGTERM, at ^C, and when `until` says so.
    """
    consumers = [
        queue.create_consumer(
            workers=workers,
            periodic=False,
            initial_delay=0.05,
            max_delay=0.5,
            graceful_signal="TERM",
            shutdown_timeout=12,  # one after the other, within the 30 s that `up` waits
        )
        for queue, workers in queues.items()
    ]
    for consumer in consumers:
        consumer.start()  # the last one to start hears the signals
    looked = time.monotonic()
    try:
        while not until():
            consumers[-1].loop()
            if time.monotonic() - looked > HEALTH_SECONDS:
                looked = time.monotonic()
                for consumer in consumers:
                    consumer.check_worker_health()  # a thread that died is started again
    except ConsumerStopped:
        return
    finally:
        for consumer in consumers:
            consumer.stop(graceful=True)


def _sweep(workspace: Workspace, stop: threading.Event) -> None:
    sweeper, teller = Sweeper(workspace), Teller(workspace)
    looked, busy = time.monotonic(), 0
    while not stop.is_set():
        try:
            sweeper.sweep()
            teller.tell_in_time()
            # Most crossings are seen by the event that made them. The age of the last run crosses by itself, and a
            # machine that lends a hand leaves it to us to look when nothing is on its way any more.
            before, busy = busy, story.unfinished(workspace.ledger, trigger.CAPTURE)
            if (before and not busy) or time.monotonic() - looked > TRIGGER_SECONDS:
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
