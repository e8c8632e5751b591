"""What there is to know about a blog at one glance, as the dashboard shows it and `dashboard --json` prints it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from tonewright import runs
from tonewright.corpus.tones import Month, months
from tonewright.corpus.trigger import Decision, look
from tonewright.events import RETRAIN, Event
from tonewright.hosts import LOCAL
from tonewright.ledger import story
from tonewright.ledger.store import Ledger
from tonewright.models import registry
from tonewright.review.blind import Tally, tally
from tonewright.workspace import Workspace

CAME_IN = 12  # of the latest
WAITING = 200  # events that are grouped by what they have to say
_KEPT = 20  # a count is good for so many times as long as it took

T = TypeVar("T")


@dataclass(frozen=True)
class Machine:
    """A machine that can train. `last` is what was heard of it at `at` (seconds since the epoch), "" for nothing."""

    name: str
    address: str
    trains: bool  # the next run may go to it
    last: str
    at: float


@dataclass(frozen=True)
class Now:
    """What costs the same however large the corpus is."""

    at: float
    workers: int
    events: dict[str, dict[str, int]]  # {kind: {state: number}}
    came_in: list[Event]
    waiting: list[tuple[Event, int]]  # the first of those that say the same, and how many more
    failed: list[tuple[Event, int]]
    files: list[tuple[str, str, str]]  # path, state and reason of watched files that could not be taken
    runs: list[dict[str, Any]]  # `runs.told`, newest first
    champion: registry.Model | None
    challenger: registry.Model | None
    blind: Tally | None  # of the challenger
    machines: list[Machine]


@dataclass(frozen=True)
class Counted:
    """What has to be counted over the whole corpus."""

    documents: dict[str, int]  # {origin: live documents}
    months: list[Month]
    growth: Decision


def now(workspace: Workspace, workers: int) -> Now:
    """How things stand. `workers` are the processes of tonewright that run; hosts are not asked."""
    ledger = workspace.ledger
    models = {model.run: model for model in registry.every(ledger)}
    every = runs.every(ledger)
    challenger = registry.alias(ledger, registry.CHALLENGER)
    return Now(
        at=time.time(),
        workers=workers,
        events=story.counts(ledger),
        came_in=story.came_in(ledger, CAME_IN),
        waiting=story.alike(story.waiting(ledger, WAITING)),
        failed=story.alike(story.failed(ledger, WAITING)),
        files=ledger.read(
            "SELECT path, state, note FROM manifest WHERE state NOT IN ('taken', 'gone') ORDER BY path LIMIT ?",
            (WAITING,),
        ),
        runs=[runs.told(run, workspace.state, models.get(run.id)) for run in every],
        champion=registry.alias(ledger, registry.CHAMPION),
        challenger=challenger,
        blind=tally(ledger, challenger) if challenger else None,
        machines=_machines(workspace, every),
    )


def counted(workspace: Workspace) -> Counted:
    """Seconds for a corpus of some ten thousand posts."""
    documents = workspace.ledger.read("SELECT origin, count(*) FROM documents WHERE live = 1 GROUP BY origin")
    return Counted(dict(documents), months(workspace.ledger, workspace.config.tagger.threshold), look(workspace))


def as_record(found: Now, sums: Counted) -> dict[str, Any]:
    """All of it as JSON can hold it."""
    groups = {
        name: [{**story.as_record(first), "more": more} for first, more in events]
        for name, events in (("waiting", found.waiting), ("failed", found.failed))
    }
    return {
        "at": found.at,
        "workers": found.workers,
        "events": found.events,
        "came_in": [{**story.as_record(event), "at": event.created} for event in found.came_in],
        **groups,
        "files": [{"path": p, "state": s, "note": n} for p, s, n in found.files],
        "documents": sums.documents,
        "months": [{**vars(month), "hand": dict(month.hand), "machine": dict(month.machine)} for month in sums.months],
        "growth": asdict(sums.growth),
        "runs": found.runs,
        "champion": _model(found.champion),
        "challenger": _model(found.challenger),
        "blind": found.blind.as_record() if found.blind else None,
        "machines": [asdict(machine) for machine in found.machines],
    }


class Patient(Generic[T]):
    """A value that takes its time: made in the background, and anew once it is `_KEPT` times as old as that took."""

    def __init__(self, make: Callable[[], T], ledger: Ledger) -> None:
        self._make, self._ledger = make, ledger
        self._guard = threading.Lock()
        self._maker: threading.Thread | None = None
        self._made: T | None = None
        self._good_until = 0.0
        self._fault: Exception | None = None

    def get(self, seconds: float) -> T | None:
        """The latest value after `seconds` at most, None while there is none yet. Raises what making it raised."""
        with self._guard:
            if self._maker is None and time.monotonic() >= self._good_until:
                self._maker = threading.Thread(target=self._run, daemon=True)
                self._maker.start()
            maker = self._maker
        if maker:
            maker.join(seconds)
        with self._guard:
            fault, self._fault = self._fault, None
        if fault:
            raise fault
        return self._made

    def _run(self) -> None:
        began = time.monotonic()
        try:
            self._made = self._make()
        except Exception as e:  # it belongs to whoever asks for the value
            self._fault = e
        finally:
            self._ledger.release()
        with self._guard:
            self._good_until = time.monotonic() + _KEPT * (time.monotonic() - began)
            self._maker = None


def _model(model: registry.Model | None) -> dict[str, Any] | None:
    if model is None:
        return None
    return {"model": model.id, "run": model.run, "verdict": model.verdict, "reasons": model.report.get("reasons", [])}


def _machines(workspace: Workspace, every: list[runs.Run]) -> list[Machine]:
    """This one and those under [hosts]: what their latest run told, or what a run waits for."""
    held_up = {
        event: (note, at)
        for event, note, at in workspace.ledger.read(
            "SELECT id, note, updated FROM events WHERE kind = ? AND state IN ('pending', 'leased') AND note != ''",
            (RETRAIN,),
        )
    }
    found = []
    for name in (LOCAL, *workspace.config.hosts):
        entry = workspace.config.hosts.get(name)
        run = next((run for run in every if run.host == name), None)
        last, at = (f"run {run.id[:8]}: {runs.describe(run)}", run.updated) if run else ("", 0.0)
        if run and run.event in held_up and run.step != runs.FINISHED:
            last, at = held_up[run.event]
        address = entry.address if entry else "this machine"
        found.append(Machine(name, address, name in workspace.config.training.host, last, at))
    return found
