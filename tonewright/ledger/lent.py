"""A ledger that lies on another machine, used over a pipe to its lender (`lending.py`) like one's own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tonewright.errors import TonewrightError, TryLater
from tonewright.ledger.store import Ledger, Transaction

Exchange = Callable[[bytes], bytes]  # sends a line, returns the line that answers it; b"" when nobody answers


class LentLedger(Ledger):
    """The ledger of another machine. One question at a time; a transaction keeps other threads waiting.

    Raises `TryLater` from the moment that the connection is lost; what was not committed has not happened.
    """

    def __init__(self, exchange: Exchange, lent_to: str) -> None:
        self.file = Path("ledger.db")
        self.lent_to = lent_to
        self.lost = False
        self._exchange = exchange
        self._turn = threading.RLock()

    def close(self) -> None:
        """Nothing is held here; the connection belongs to whoever made it."""

    def read(self, sql: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, outside any transaction."""
        return [tuple(row) for row in self._ask("read", sql, parameters)["rows"]]

    def beat(self) -> None:
        """Tell the lender that somebody is still here."""
        self._ask("beat")

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Everything inside happens or nothing does."""
        with self._turn:
            now = self._ask("begin")["now"]
            try:
                yield Transaction(_Connection(self), now)
            except BaseException:
                if not self.lost:
                    self._ask("roll back", refused_is_fine=True)
                raise
            self._ask("commit")

    def _ask(
        self, what: str, sql: str = "", parameters: Iterable[Any] = (), *, refused_is_fine: bool = False
    ) -> dict[str, Any]:
        asked = {"do": what, "sql": sql, "parameters": list(parameters)}
        with self._turn:
            line = b"" if self.lost else self._exchange(json.dumps(asked).encode() + b"\n")
        if not line.endswith(b"\n"):
            self.lost = True
            raise TryLater("the connection to the ledger's machine is lost", "its own workers go on meanwhile")
        answer: dict[str, Any] = json.loads(line)
        if "fault" in answer and not refused_is_fine:
            raise (TryLater if answer["later"] else TonewrightError)(*answer["fault"])
        return answer


class _Connection:
    """What a `Transaction` needs of a database connection."""

    def __init__(self, ledger: LentLedger) -> None:
        self._ledger = ledger

    def execute(self, sql: str, parameters: tuple[Any, ...], /) -> _Rows:
        """Run one statement over there."""
        answer = self._ledger._ask("execute", sql, parameters)
        return _Rows([tuple(row) for row in answer["rows"]], answer["count"])


class _Rows:
    """The rows that one statement gave, taken one by one or all at once, as from a cursor."""

    def __init__(self, rows: list[tuple[Any, ...]], count: int) -> None:
        self._rows = iter(rows)
        self.rowcount = count

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row, or None."""
        return next(self._rows, None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows that are left."""
        return list(self._rows)
