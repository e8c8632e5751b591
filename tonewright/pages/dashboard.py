"""The dashboard: how everything stands, live, and a page for each training run with its curve and the gate's word."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from tonewright import overview, runs
from tonewright.models import registry
from tonewright.overview import Counted, Now, Patient
from tonewright.pages import html, plots
from tonewright.pages.losses import losses, spark
from tonewright.pages.names import colours, moment
from tonewright.pages.server import HTML, TEXT, Handler, Request, Response, static
from tonewright.review.blind import tally
from tonewright.workspace import Workspace

MONTHS = 12  # the latest
LISTED = 12  # of what failed or waits; `tonewright status` tells all
RUNS = 8  # of the latest; `tonewright runs` lists all
PATIENCE = 1.0  # seconds that a page waits for the counts

# The gate's page has its style in it, which it allows by its hash itself; it loads and runs nothing.
_OWN_STYLE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
}
_BUSY = "on their way"
_KINDS = {"post": "post", "note": "voice note", "revision": "edit", "push": "push"}
_STATES = {"pending": "waits", "leased": "at work", "done": "taken", "refused": "left out", "failed": "failed"}


class Dashboard:
    """The routes of the live page. `workers` tells how many processes of tonewright run."""

    def __init__(self, workspace: Workspace, workers: Callable[[], int]) -> None:
        self._workspace, self._workers = workspace, workers
        self._counted = Patient(lambda: overview.counted(workspace), workspace.ledger)

    @property
    def routes(self) -> dict[tuple[str, str], Handler]:
        """What `Server` serves: all of it is for reading."""
        return {
            ("GET", ""): self._show,
            ("GET", "static"): static,
            ("GET", "runs"): self._run,
            ("GET", "report"): self._report,
        }

    def _show(self, _: Request) -> Response:
        found = overview.now(self._workspace, self._workers())
        return Response(html.render("dashboard.html", **values(self._workspace, found, self._counted.get(PATIENCE))))

    def _run(self, request: Request) -> Response:
        run = next((one for one in runs.every(self._workspace.ledger) if one.id == request.rest), None)
        if run is None:
            return _missing("run")
        return Response(html.render("run.html", **_alone(self._workspace, run)))

    def _report(self, request: Request) -> Response:
        """What the gate wrote about a run's model, as it lies beside it; of older models only the text."""
        model = next((one for one in registry.every(self._workspace.ledger) if one.run == request.rest), None)
        if model is None:
            return _missing("report")
        for name, kind in ((registry.REPORT_PAGE, HTML), (registry.REPORT_TEXT, TEXT)):
            if (model.folder / name).is_file():
                return Response((model.folder / name).read_bytes(), kind, headers=_OWN_STYLE)
        return _missing("report")


def dashboard(workspace: Workspace, found: Now, sums: Counted) -> bytes:
    """The page as one file, with every run that it lists below."""
    below = [of_run(workspace, run) for run in runs.every(workspace.ledger)[:RUNS]]
    return html.alone("dashboard.html", **{**values(workspace, found, sums), "below": below})


def run_page(workspace: Workspace, run: runs.Run) -> bytes:
    """A run's page as one file."""
    return html.alone("run.html", **_alone(workspace, run))


def values(workspace: Workspace, found: Now, sums: Counted | None) -> dict[str, Any]:
    """What the template of the dashboard shows; `sums` None: they are being counted."""
    tones = workspace.vocabulary.names
    return {
        "name": workspace.root.name,
        "now": found,
        "clock": time.strftime("%H:%M:%S", time.localtime(found.at)),
        "ago": lambda at: moment(at, found.at),
        "iso": _iso,
        "source": lambda event: _source(workspace, event.source),
        "kinds": _KINDS,
        "states": _STATES,
        "sums": sums,
        "listed": LISTED,
        "figures": _figures(found, sums),
        "charts": _charts(sums, tones) if sums else [],
        "tones": tones,
        "colour": colours(tones),
        "runs": [
            {**run, "spark": spark(run["losses"]) if run["losses"] else "", "done": _done(run)}
            for run in found.runs[:RUNS]
        ],
        "older": len(found.runs[RUNS:]),
        "below": [],
    }


def of_run(workspace: Workspace, run: runs.Run) -> dict[str, Any]:
    """What the template of a run shows."""
    model = next((one for one in registry.every(workspace.ledger) if one.run == run.id), None)
    told = runs.told(run, workspace.state, model)
    metrics, points = told["metrics"], told["losses"]
    heldout = (metrics["heldout_loss_before"], metrics["heldout_loss_after"]) if metrics else None
    live = run.progress.get("progress") or {}
    second = live.get("phase") == "preference"  # whose steps are counted anew
    total = metrics.get("steps") or (0 if second else live.get("steps")) or 0
    steps = max(int(total), int(points[-1][0]) if points else 0)
    note = workspace.ledger.read("SELECT state, note FROM events WHERE id = ?", (run.event,))
    return {
        "run": told,
        "begun": time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created)),
        "figures": _figures_of_run(metrics, live),
        "done": _done(told),
        "event": note[0] if note else ("", ""),
        "heldout": heldout,
        "drawing": losses(points, heldout, steps) if len(points) > 1 else "",
        "preference": _preference(told["preference"], metrics, live),
        "steps": steps,
        "model": model,
        "blind": tally(workspace.ledger, model) if model else None,
    }


def _preference(points: list[list[float]], metrics: dict[str, Any], live: dict[str, Any]) -> dict[str, Any]:
    """The second stage, drawn as far as it is; empty without one."""
    if len(points) < 2:
        return {}
    last, _, accuracy, margin = points[-1]
    steps = max(int(metrics.get("preference", live).get("steps") or 0), int(last))
    drawn = losses([point[:2] for point in points], None, steps, ("Preference loss", "nats per pair"))
    return {"drawing": drawn, "steps": steps, "accuracy": accuracy, "margin": margin}


def _alone(workspace: Workspace, run: runs.Run) -> dict[str, Any]:
    return {"name": workspace.root.name, "iso": _iso, "one": of_run(workspace, run)}


def _done(told: dict[str, Any]) -> float | None:
    """The share of its steps that a run which trains at this moment has done."""
    live = told["progress"].get("progress") or {}
    training = told["step"] == runs.POLL and live.get("steps")
    return live.get("step", 0) / live["steps"] if training else None


def _figures_of_run(metrics: dict[str, Any], live: dict[str, Any]) -> list[tuple[str, str]]:
    """(figure, what of): of a run that came back, or of one that trains at this moment."""
    if metrics:
        return [
            (f"{metrics['steps']}", "steps"),
            (f"{metrics['seconds'] / 60:.1f}", "minutes"),
            (f"{metrics['heldout_loss_before']:.2f}", "held-out loss before"),
            (f"{metrics['heldout_loss_after']:.2f}", "and after"),
        ]
    if not live.get("steps"):
        return []
    return [
        (f"{live.get('step', 0)}", f"steps of {live['steps']}"),
        (f"{live['loss']:.2f}" if live.get("loss") is not None else "–", "loss"),
        (f"{live.get('tokens_per_second') or 0:.0f}", "tokens a second"),
        (f"{(live.get('eta_seconds') or 0) / 60:.1f}", "minutes to go"),
    ]


def _figures(found: Now, sums: Counted | None) -> list[tuple[int | str, str]]:
    """(figure, what of) in large."""
    on_their_way = sum(states.get("pending", 0) + states.get("leased", 0) for states in found.events.values())
    if sums is None:
        return [("…", "posts"), ("…", "voice notes"), ("…", "passages"), ("…", "tones by hand"), (on_their_way, _BUSY)]
    notes = sums.documents.get("note", 0)
    return [
        (sum(sums.documents.values()) - notes, "posts"),
        (notes, "voice notes"),
        (sum(month.passages for month in sums.months), "passages"),
        (sum(sum(month.hand.values()) for month in sums.months), "tones by hand"),
        (on_their_way, _BUSY),
    ]


def _charts(sums: Counted, tones: tuple[str, ...]) -> list[tuple[str, Any]]:
    latest = sums.months[-MONTHS:]
    charts = [("By hand", plots.months(latest, "hand", tones)), ("By machine", plots.months(latest, "machine", tones))]
    return [(title, rows) for title, rows in charts if rows]


def _source(workspace: Workspace, source: str) -> str:
    """A path as short as it can be told."""
    name = source.removeprefix(f"{workspace.root}/")
    return name.rpartition("/")[2] if name.startswith("/") else name


def _missing(what: str) -> Response:
    return Response(f"there is no such {what}\n".encode(), TEXT, HTTPStatus.NOT_FOUND)


def _iso(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(at))
