"""The gate's report as a page of its own: the verdict, every measure with its interval, answers side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from tonewright.gate.intervals import Estimate
from tonewright.gate.report import FIGURES, Measures, Report, figure, mark, share
from tonewright.gate.systems import CHALLENGER
from tonewright.pages import html
from tonewright.pages.names import day_in_words
from tonewright.pages.svg import percent, plot, tag

_ROW, _TOP, _NAMES = 26, 6, 0.28  # pixels of a row, pixels above, share of the width that names take
_NAME = {"loss": "less is better", "exposure": "less is better"}


@dataclass(frozen=True)
class Drawn:
    """One measure: its name, which end is good, and the drawing."""

    name: str
    better: str
    drawing: Markup


def verdict(report: Report, name: str, day: str) -> bytes:
    """The page for the model called `name`, judged on `day` (2026-01-31), in UTF-8; it needs nothing but itself.

    Raises `Missing` without jinja2.
    """
    return html.alone(
        "verdict.html",
        name=name,
        day=day_in_words(day),
        report=report,
        marks=[(mark(check), check) for check in report.checks],
        drawn=_drawn(report),
        apart=figure(report.apart, share) if report.apart else "",
        challenger=CHALLENGER,
    )


def _drawn(report: Report) -> list[Drawn]:
    systems = {**report.systems, "you": report.own}
    found = []
    for key, called, write in FIGURES:
        if drawing := _intervals({name: _of(m, key) for name, m in systems.items()}, called, write):
            found.append(Drawn(called, _NAME.get(key, "more is better"), drawing))
    for kind in next(iter(report.systems.values()), Measures()).facts:
        estimates = {name: m.facts.get(kind) for name, m in report.systems.items()}
        if drawing := _intervals(estimates, f"{kind} kept", share):
            found.append(Drawn(f"{kind} kept", "more is better", drawing))
    return found


def _of(measures: Measures, key: str) -> Estimate | None:
    found: Estimate | None = getattr(measures, key)
    return found


def _intervals(estimates: Mapping[str, Estimate | None], called: str, write: Callable[[float], str]) -> Markup | None:
    """A row per system: a dot for the figure, a line for its interval, both on one scale; None without any figure."""
    known = {name: e for name, e in estimates.items() if e is not None}
    if not known:
        return None
    low, high = min(e.low for e in known.values()), max(e.high for e in known.values())
    margin = 0.06 * (high - low) or 0.5
    low, span = low - margin, high - low + 2 * margin

    def at(value: float) -> str:
        return percent(_NAMES + (1 - _NAMES - 0.12) * (value - low) / span)

    shapes: list[Markup] = []
    for number, (name, estimate) in enumerate(known.items()):
        middle = _TOP + _ROW * number + _ROW / 2
        shapes += [
            tag("line", x1=percent(_NAMES), x2=percent(0.88), y1=middle, y2=middle, class_="rule"),
            tag("text", name, x=0, y=middle + 4, class_="mark" if name == CHALLENGER else None),
            tag("line", x1=at(estimate.low), x2=at(estimate.high), y1=middle, y2=middle, class_="pitch"),
            tag("circle", cx=at(estimate.value), cy=middle, r=4.5),
            tag("text", write(estimate.value), x="100%", y=middle + 4, text_anchor="end"),
        ]
    label = f"{called}: " + "; ".join(f"{name} {figure(estimate, write)}" for name, estimate in known.items())
    return plot(round(2 * _TOP + _ROW * len(known)), label, *shapes)
