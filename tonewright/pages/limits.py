"""The limits page: what each base, quantisation and adapter can do on this machine, as sentences, plots and tables."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tonewright.gate.intervals import Estimate
from tonewright.limits.cells import ADAPTER, ALONE, MERGED
from tonewright.limits.measuring import Measured
from tonewright.limits.sheet import QUALITIES, Quality, Sheet
from tonewright.limits.verdict import Verdict, size
from tonewright.pages import html
from tonewright.pages.names import day_in_words
from tonewright.pages.svg import percent, plot, tag

_HEIGHT, _FOOT, _TOP = 230, 24, 14  # pixels
_LEFT, _RIGHT = 0.14, 0.84  # shares of the width between which the points lie; names stand to their right
_LINE, _NAME = 13, 0.14  # pixels between two names; share of the width that one may take
_WAYS = {ALONE: "the base alone", ADAPTER: "with an adapter beside it", MERGED: "with the adapter merged in"}


@dataclass(frozen=True)
class Point:
    """Something measured: where it lies both ways, with what may be by chance upwards, and its name."""

    across: float
    up: Estimate
    name: str
    way: str


def limits(sheet: Sheet, said: Verdict, name: str, machine: str) -> bytes:
    """The page for the blog called `name`, measured on `machine`, in UTF-8. Raises `Missing` without jinja2."""
    plotted = [quality for quality in QUALITIES if quality.name in ("loss", "likeness")]
    return html.alone(
        "limits.html",
        name=name,
        day=day_in_words(time.strftime("%Y-%m-%d")),
        machine=machine,
        busy=_busy(sheet),
        sheet=sheet,
        verdict=said,
        written=[(cell, [_figure(sheet, found, q) for q in QUALITIES], found) for cell, found in sheet.measured],
        own=[_figure(sheet, sheet.own, quality) for quality in QUALITIES],
        heads=[(quality.called, "less is better" if quality.sign < 0 else "more is better") for quality in QUALITIES],
        taken=[(cell, _taken(found)) for cell, found in sheet.measured],
        plots=[
            (
                f"{quality.called.capitalize()}, and {called}",
                against,
                _drawn(sheet, quality, of, unit),
            )
            for quality in plotted
            for called, against, of, unit in (
                ("size on disk", "MB; further left is smaller", lambda found: found.disk / 1e6, "MB"),
                ("speed", "tokens a second; further right is faster", lambda found: found.pace.value, "tokens"),
            )
        ],
        ways=[(_key(way), told) for way, told in _WAYS.items() if any(cell.way == way for cell, _ in sheet.measured)],
    )


def _busy(sheet: Sheet) -> str:
    """The load that the machine was under, "" where it was hardly more than ours: at most one for each core."""
    loads = [found.load for _, found in sheet.measured]
    most = max(loads, default=0.0)
    return f"up to {most:.0f}" if most > 1.5 * (os.cpu_count() or 1) else ""


def _figure(sheet: Sheet, found: Measured, quality: Quality) -> tuple[str, str]:
    return _with_range(sheet.estimate(found, quality), quality.read)


def _with_range(estimate: Estimate | None, read: Callable[[float], str]) -> tuple[str, str]:
    """(figure, how far it may be off), each as it is read."""
    return (read(estimate.value), f"{read(estimate.low)} to {read(estimate.high)}") if estimate else ("–", "")


def _taken(found: Measured) -> list[tuple[str, str]]:
    """Speed, wait, memory and disk as they are read."""
    return [
        _with_range(found.pace, lambda tokens: f"{tokens:.1f}"),
        _with_range(found.first_token, lambda seconds: f"{seconds:.2f}"),
        (size(found.memory), ""),
        (size(found.disk), ""),
    ]


def _drawn(sheet: Sheet, quality: Quality, across: Callable[[Measured], float], unit: str) -> Markup:
    """One measure against what it takes."""
    bases = {cell.base.sha256 for cell, _ in sheet.measured}
    points = [
        Point(across(found), estimate, f"{cell.base.name} {cell.form}" if len(bases) > 1 else cell.form, cell.way)
        for cell, found in sheet.measured
        if (estimate := sheet.estimate(found, quality))
    ]
    return scatter(points, quality, unit) if points else Markup("")


def scatter(points: Sequence[Point], quality: Quality, unit: str) -> Markup:
    """A mark for each point, a pale line for its interval, and its name where there is room for it."""
    left, right = min(p.across for p in points), max(p.across for p in points)
    low, high = min(p.up.low for p in points), max(p.up.high for p in points)
    span, bottom = high - low or 1.0, _HEIGHT - _FOOT

    def x(value: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * ((value - left) / (right - left) if right > left else 0.5)

    def y(value: float) -> float:
        return _TOP + (bottom - 2 * _TOP) * (1 - (value - low) / span)

    shapes = []
    for value in (low, low + span / 2, high):
        shapes += [
            tag("line", x1="0", x2="100%", y1=y(value), y2=y(value), class_="rule"),
            tag("text", quality.read(value), x="0", y=y(value) - 3),
        ]
    for value in dict.fromkeys((left, right)):
        shapes.append(tag("text", f"{value:.0f}", x=percent(x(value)), y=_HEIGHT - 6, text_anchor="middle"))
    for p in points:
        at = percent(x(p.across))
        shapes += [tag("line", x1=at, x2=at, y1=y(p.up.low), y2=y(p.up.high), class_="every")]
    placed = _apart([(x(p.across), y(p.up.value)) for p in points])
    for p, height in zip(points, placed):
        shapes += [
            mark(p.way, percent(x(p.across)), y(p.up.value)),
            tag("text", p.name, x=percent(x(p.across)), dx=9, y=height + 4),
        ]
    label = "; ".join(f"{p.name} {_WAYS[p.way]}: {quality.read(p.up.value)} at {p.across:.0f} {unit}" for p in points)
    return plot(_HEIGHT, f"{quality.called} against {unit}: {label}", *shapes)


def _key(way: str) -> Markup:
    """The mark alone, for a legend."""
    return tag("svg", mark(way, "8", 8.0), class_="plot key", width=16, height=16, aria_hidden="true")


def mark(way: str, across: str, up: float) -> Markup:
    """A ring, a dot or a square: how the trained model is used, told without colour."""
    if way == MERGED:
        return tag(
            "svg", tag("rect", x=-4.5, y=-4.5, width=9, height=9, class_=way), x=across, y=up, overflow="visible"
        )
    return tag("circle", cx=across, cy=up, r=5, class_=way if way == ALONE else None)


def _apart(places: Sequence[tuple[float, float]]) -> list[float]:
    """Heights for names that stand right of `places` (share across, pixels down), none on another's or on a mark."""
    found: dict[int, float] = {}
    for number in sorted(range(len(places)), key=lambda n: places[n][1]):
        across, height = places[number]
        taken = [found[n] for n in found if abs(places[n][0] - across) < _NAME]
        taken += [down for right, down in places if 0 < right - across < _NAME]
        while any(abs(height - other) < _LINE for other in taken):
            height += 1
        found[number] = height
    return [found[number] for number in range(len(places))]
