"""The ledger spoken over a pipe: one JSON line asks, one answers. This side has the file; `lent.py` is the other.

An open transaction keeps every other writer waiting, so one whose asker falls silent is rolled back. When the pipe
closes the lender ends, and with it the file lock that says its leases are alive.
"""

from __future__ import annotations

import json
import queue
import sqlite3
import threading
from contextlib import ExitStack
from typing import Any, BinaryIO

from tonewright.errors import TonewrightError
from tonewright.ledger.store import Ledger, Transaction

IN_TRANSACTION_SECONDS = 15.0  # the longest silence inside a transaction
IDLE_SECONDS = 120.0  # the longest silence at all; the other side says something every 15 s


class HungUp(Exception):
    """The other side has gone, or has been silent for too long."""


class Lender:
    """Answers one worker until it hangs up."""

    def __init__(self, ledger: Ledger, asked: BinaryIO, answers: BinaryIO) -> None:
        self._ledger = ledger
        self._answers = answers
        self._lines: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._listen, args=(asked,), daemon=True).start()

    def serve(self, greeting: dict[str, Any]) -> None:
        """Say `greeting`, then answer; returns when the other side hangs up or falls silent."""
        try:
            self._say(greeting)
            while True:
                self._answer(self._next(IDLE_SECONDS))
        except (HungUp, BrokenPipeError):
            return

    def _listen(self, asked: BinaryIO) -> None:
        for line in asked:
            self._lines.put(line)
        self._lines.put(b"")

    def _next(self, patience: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=patience)
        except queue.Empty as e:
            raise HungUp from e
        if not line.endswith(b"\n"):
            raise HungUp
        asked: dict[str, Any] = json.loads(line)
        return asked

    def _say(self, answer: dict[str, Any]) -> None:
        self._answers.write(json.dumps(answer).encode() + b"\n")
        self._answers.flush()

    def _answer(self, asked: dict[str, Any]) -> None:
        try:
            if asked["do"] == "read":
                self._say({"rows": self._ledger.read(asked["sql"], asked["parameters"])})
            elif asked["do"] == "begin":
                self._transaction()
            else:
                self._say({})
        except (TonewrightError, sqlite3.Error) as e:
            self._say(_fault(e))

    def _transaction(self) -> None:
        """From `begin` to `commit`; anything else at its end, silence included, undoes it."""
        with ExitStack() as open_:
            tx: Transaction = open_.enter_context(self._ledger.transaction())
            self._say({"now": tx.now})
            while (asked := self._next(IN_TRANSACTION_SECONDS))["do"] == "execute":
                try:
                    cursor = tx.execute(asked["sql"], asked["parameters"])
                    self._say({"rows": cursor.fetchall(), "count": cursor.rowcount})
                except sqlite3.Error as e:
                    self._say(_fault(e))  # the asker decides: it rolls back
            if asked["do"] != "commit":
                raise TonewrightError("rolled back")
        self._say({})


def _fault(error: Exception) -> dict[str, Any]:
    what, remedy = (error.what, error.remedy) if isinstance(error, TonewrightError) else (str(error), "")
    return {"fault": [what, remedy], "later": getattr(error, "exit_code", 1) == 75}
