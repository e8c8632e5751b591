"""Lending a hand: a worker on another machine that takes leases from the ledger's host and bells from its Redis."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any

from tasks import models
from tasks.consumer import THREADS, consume
from tasks.queue import ANYWHERE, connect
from tonewright.config.load import load
from tonewright.config.schema import SQLITE
from tonewright.errors import ConfigError, TonewrightError, TryLater
from tonewright.ledger.lent import Exchange, LentLedger
from tonewright.ledger.schema import VERSION
from tonewright.workspace import Workspace, cache_folder

log = logging.getLogger("tonewright.tasks")
BEAT_SECONDS = 15.0


def greet(exchange: Exchange) -> Workspace:
    """The workspace of the blog at the other end, with its ledger lent and its settings; ours in the environment win.

    Raises `TonewrightError` when that machine has another ledger version, `ConfigError` when its doorbells are in a
    file, and `Missing` when the model that it works with is not on this machine.
    """
    greeting: dict[str, Any] = json.loads(exchange(b""))
    if greeting["ledger"] != VERSION:
        raise TonewrightError(
            f"tonewright {greeting['tonewright']} over there keeps ledger version {greeting['ledger']}, not {VERSION}",
            "install the same version on both machines",
        )
    config, origins = load([], below=[("the ledger's machine", greeting["settings"])])
    if config.queue == SQLITE:
        raise ConfigError(
            "that blog's doorbells queue in a file that only its own machine can read",
            'set queue = "redis://HOST:PORT/NUMBER" in its tonewright.toml',
        )
    ledger = LentLedger(exchange, greeting["owner"])
    workspace = Workspace(Path(greeting["root"]), config, cache_folder() / "lent", origins, ledger)
    if config.tagger.use == "embedded" or config.pairs.use == "local":
        models.base_of(workspace)
    return workspace


def lend_a_hand(workspace: Workspace) -> bool:
    """Think for that blog until SIGTERM, ^C (returns True) or until the connection is lost (returns False)."""
    ledger = workspace.ledger
    assert isinstance(ledger, LentLedger)
    done = threading.Event()

    def beat() -> None:
        while not done.wait(BEAT_SECONDS) and not ledger.lost:
            try:
                ledger.beat()
            except TryLater:
                return

    threading.Thread(target=beat, daemon=True).start()
    try:
        consume({connect(workspace, ANYWHERE): THREADS[ANYWHERE]}, until=lambda: ledger.lost)
    finally:
        done.set()
        models.close()
    return not ledger.lost
