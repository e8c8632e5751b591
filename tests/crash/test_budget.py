"""The caps hold: many processes, a host that fails in every way, workers killed in the middle of a request."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

pytest.importorskip("openai")

from tests.conftest import Blog, Tell
from tests.hosted_server import KEY, Host, hosting

ODDS = {  # of every request
    "429": 0.05,
    "500": 0.05,
    "half": 0.03,
    "not json": 0.02,
    "gateway": 0.03,
    "silence": 0.01,
    "wrong tone": 0.03,
    "prose": 0.03,
    "no usage": 0.02,
    "nonsense usage": 0.02,
    "no completion": 0.02,
}
WORKERS = Path(__file__).with_name("hosted_workers.py")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key that the server knows."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def test_parallel_workers_stay_within_the_cap(blog: Blog) -> None:
    """A few workers, a few kills: the cap holds and every request is accounted for."""
    spend_it_all(blog, workers=4, kills=3, cap=0.04)


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_sixteen_workers_stay_within_the_cap(blog: Blog, tell: Tell) -> None:
    """Sixteen workers, a hundred kills: what the host charges never passes the cap, and no request is unaccounted."""
    told = spend_it_all(blog, workers=16, kills=100, cap=0.8)
    tell(f"16 workers, 100 kills, {told}")


def spend_it_all(blog: Blog, *, workers: int, kills: int, cap: float) -> str:
    """Let them spend until nothing is left, then compare the ledger with the host's own books."""
    with hosting(odds=ODDS) as host:
        more = f"monthly_cap = {cap}\ndaily_cap = {cap}"
        blog.settings(host.settings(more).replace("timeout_seconds = 2", "timeout_seconds = 1"))
        done = subprocess.run(
            [sys.executable, str(WORKERS), "spend", str(blog.root), str(workers), str(kills)],
            capture_output=True,
            text=True,
            check=False,
            timeout=800,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"{workers} of {workers} stopped by the cap\n", done.stderr
        rows = blog.workspace().ledger.read("SELECT sha256, at, ended, state, reserved, cost FROM outbox ORDER BY id")
        _check_books(host, rows)
        limit = round(cap * 1_000_000)
        charged = sum(heard.charge for heard in host.heard)
        spent = sum(_counted(row) for row in rows)
        assert charged <= spent <= limit
        assert _most_at_once(rows) <= limit
        assert spent > 0.8 * limit, "the cap was never near: this proves nothing"
        states = {state: sum(row[3] == state for row in rows) for state in ("settled", "failed", "unknown", "reserved")}
        return (
            f"{len(host.heard)} requests heard, {len(rows)} logged ({states}), "
            f"{charged / 1e6:.4f} charged and {spent / 1e6:.4f} counted of {cap}: never exceeded, 0 unaccounted"
        )


Row = tuple[str, float, "float | None", str, int, "int | None"]


def _check_books(host: Host, rows: list[Row]) -> None:
    """Whatever the host heard is in the log, as often, and for each body it charged at most what was counted."""
    charged: dict[str, list[int]] = defaultdict(list)
    for heard in host.heard:
        charged[heard.sha256].append(heard.charge)
    logged: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        logged[row[0]].append(_counted(row))
    for sha256, charges in charged.items():
        assert len(charges) <= len(logged[sha256]), "a request left that no row tells of"
        assert sum(charges) <= sum(logged[sha256]), "the host charged more than was counted"


def _counted(row: Row) -> int:
    _, _, _, state, reserved, cost = row
    return 0 if state == "failed" else reserved if cost is None else cost


def _most_at_once(rows: list[Row]) -> int:
    """The most that was spent or reserved at any moment."""
    moments = []
    for row in rows:
        _, at, ended, _, reserved, _ = row
        moments.append((at, 1, reserved))
        if ended is not None:
            moments.append((ended, 0, _counted(row) - reserved))
    total = most = 0
    for _, _, change in sorted(moments):
        total += change
        most = max(most, total)
    return most
