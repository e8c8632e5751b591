"""The caps: every request is reserved before it leaves, in the transaction that logs it, and settled afterwards.

A row of `outbox` that is not `failed` counts as spent: what it cost if that is known, else all that it could have
cost. A worker that is killed leaves its reservation behind, and a request whose answer was lost may have been billed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from tonewright.config.schema import Hosted
from tonewright.errors import TryLater
from tonewright.hosted.endpoint import Endpoint
from tonewright.hosted.gate import KeptHere
from tonewright.ledger.store import Ledger, Transaction

MICRO = 1_000_000  # millionths of a unit of money; prices are per million tokens, so one token costs `price` of them
BATCH_SHARE = 2  # a batch costs half
BUSY_SECONDS = 2.0
PAUSES = (5.0, 15.0, 60.0, 300.0, 900.0)  # seconds after that many failures in a row, when the host names no time
_SPENT = "SELECT COALESCE(SUM(COALESCE(cost, reserved)), 0) FROM outbox WHERE state != 'failed' AND at >= ?"


class OverBudget(KeptHere):
    """The day's or the month's cap has no room for a request."""


@dataclass(frozen=True)
class Leaving:
    """A request about to leave: what the log keeps of it, and the most that it can cost."""

    purpose: str
    model: str
    body: bytes
    most: int  # millionths
    event: int | None
    batch: int | None = None


@dataclass(frozen=True)
class Prices:
    """Money in millionths, per million tokens."""

    sent: int
    received: int

    def cost(self, tokens_in: int, tokens_out: int) -> int:
        """What so many tokens cost, in millionths, rounded up."""
        return -(-(tokens_in * self.sent + tokens_out * self.received) // MICRO)


def prices_of(settings: Hosted, endpoint: Endpoint, *, batch: bool = False) -> Prices:
    """The configured prices; nothing on this machine, half of them in a batch."""
    if endpoint.local:
        return Prices(0, 0)
    both = (round(price * MICRO) for price in (settings.price_in, settings.price_out))
    return Prices(*(-(-price // BATCH_SHARE) if batch else price for price in both))


def reserve(ledger: Ledger, settings: Hosted, endpoint: Endpoint, leaving: Leaving) -> int:
    """Log `leaving` and take its money; returns the row's id in the outbox.

    Raises `OverBudget` at a cap, and `TryLater` while the host wants to be left alone or `hosted.at_once` requests are
    under way.
    """
    with ledger.transaction() as tx:
        _wait_for_turn(tx, settings, endpoint)
        return take(tx, settings, endpoint, leaving)


def take(tx: Transaction, settings: Hosted, endpoint: Endpoint, leaving: Leaving) -> int:
    """`reserve` in a transaction of the caller's, without waiting for a turn. Raises `OverBudget`."""
    if not endpoint.local:
        for name, since, cap in _caps(settings, tx.now):
            spent = int(tx.execute(_SPENT, (since,)).fetchone()[0])
            if spent + leaving.most > cap:
                raise OverBudget(
                    f"the {name} cap of {money(cap)} has no room: {money(spent)} are spent or reserved",
                    f"raise hosted.{name}_cap, or wait",
                )
    row = tx.execute(
        """INSERT INTO outbox(at, event, host, model, purpose, sha256, bytes, reserved, batch)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id""",
        (
            *(tx.now, leaving.event, endpoint.host, leaving.model, leaving.purpose),
            *(hashlib.sha256(leaving.body).hexdigest(), len(leaving.body), leaving.most, leaving.batch),
        ),
    ).fetchone()
    return int(row[0])


def settle(tx: Transaction, row: int, cost: int, tokens: tuple[int | None, int | None], result: str) -> None:
    """The answer came: `cost` in millionths, tokens in and out as the host counted them, if it did."""
    tx.execute(
        """UPDATE outbox SET state = 'settled', cost = ?, tokens_in = ?, tokens_out = ?, result = ?, ended = ?
           WHERE id = ?""",
        (cost, *tokens, result, tx.now, row),
    )


def lose(tx: Transaction, row: int, result: str) -> None:
    """No whole answer came, so it may have been billed: the reservation stays."""
    tx.execute("UPDATE outbox SET state = 'unknown', result = ?, ended = ? WHERE id = ?", (result, tx.now, row))


def fail(tx: Transaction, row: int, result: str) -> None:
    """The host refused it, or it never left: the money is free again."""
    tx.execute(
        "UPDATE outbox SET state = 'failed', cost = 0, result = ?, ended = ? WHERE id = ?", (result, tx.now, row)
    )


def pause(tx: Transaction, row: int, endpoint: Endpoint, wished: float | None) -> float:
    """Ask this host nothing for `wished` seconds, or for longer after each failure; returns the seconds."""
    last_good = "(SELECT COALESCE(MAX(id), 0) FROM outbox WHERE host = ?1 AND state = 'settled')"
    sql = f"SELECT COUNT(*) FROM outbox WHERE host = ?1 AND id > {last_good} AND state IN ('failed', 'unknown')"  # noqa: S608 - constants
    failures = int(tx.execute(sql, (endpoint.host,)).fetchone()[0])
    seconds = wished if wished is not None else PAUSES[min(max(failures, 1), len(PAUSES)) - 1]
    tx.execute("UPDATE outbox SET retry_at = ? WHERE id = ?", (tx.now + seconds, row))
    return seconds


def spent(ledger: Ledger, settings: Hosted, now: float) -> dict[str, tuple[int, int]]:
    """{"daily": (spent or reserved, cap), "monthly": …} in millionths."""
    return {name: (int(ledger.read(_SPENT, (since,))[0][0]), cap) for name, since, cap in _caps(settings, now)}


def money(micro: int) -> str:
    """Millionths as an amount."""
    return f"{micro / MICRO:.4f}"


def _caps(settings: Hosted, now: float) -> list[tuple[str, float, int]]:
    """(name, when its time began, millionths); days and months are those of the author's clock."""
    today = datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return [
        ("daily", today.timestamp(), round(settings.daily_cap * MICRO)),
        ("monthly", today.replace(day=1).timestamp(), round(settings.monthly_cap * MICRO)),
    ]


def _wait_for_turn(tx: Transaction, settings: Hosted, endpoint: Endpoint) -> None:
    until = tx.execute("SELECT MAX(retry_at) FROM outbox WHERE host = ?", (endpoint.host,)).fetchone()[0] or 0.0
    if until > tx.now:
        raise TryLater(f"{endpoint.host} is left alone for a while, as it asked", seconds=until - tx.now)
    # A request cannot take longer than its time limit, so an older row without an end is one of a dead worker's.
    under_way = tx.execute(
        "SELECT COUNT(*) FROM outbox WHERE host = ? AND state = 'reserved' AND batch IS NULL AND at > ?",
        (endpoint.host, tx.now - endpoint.timeout - BUSY_SECONDS),
    ).fetchone()[0]
    if under_way >= settings.at_once:
        raise TryLater(f"{under_way} requests to {endpoint.host} are under way", seconds=BUSY_SECONDS)
