"""The plots of the pages: a voice over time, tones by month, a voice from note to note."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from statistics import median

from markupsafe import Markup

from tonewright.corpus.tones import Month
from tonewright.pages.svg import Point, curve, outline, percent, plot, stretched, tag

_PITCH, _SOUND, _BAND, _BAR = 96, 64, 22, 18  # pixels
_LEAST_SHARE = 0.03  # of the width, for each digit that stands in a bar
_LEAST_SPAN = 8.0  # semitones that the height of a pitch plot shows at least
_JUMP = 5.0  # semitones between neighbouring frames that no voice makes: an octave error
_STRAY = 10.0  # semitones from the median


@dataclass(frozen=True)
class Band:
    """A sentence on the clock; seconds."""

    begin: float
    until: float
    label: str
    doubtful: bool


def voice(
    seconds: float,
    pitch: Sequence[tuple[float, float | None]],
    bands: Sequence[Band],
    levels: Sequence[float] = (),
    label: str = "",
) -> Markup:
    """Pitch over time, the outline of the sound where `levels` tell it, and the sentences below; a scale beside it.

    `pitch` is (seconds, semitones above 100 Hz or None), `levels` are 0 to 1 and evenly spaced over all `seconds`.
    The drawing holds a line of class `playhead`, at its left edge.
    """
    points, (low, high) = scaled(pitch, seconds)
    middle, bottom = _PITCH, _PITCH + (_SOUND if levels else 0) + _BAND
    ticks = [(tone, round(_PITCH * (1 - (tone - low) / (high - low)), 1)) for tone in _ticks(low, high)]
    shapes = [
        *(_box(number, band, seconds, bottom) for number, band in enumerate(bands)),
        *(tag("line", x1="0", x2="100%", y1=y, y2=y, class_="rule") for _, y in ticks),
        *([stretched(middle, _SOUND, outline(levels, "sound"))] if levels else []),
        stretched(0, _PITCH, curve(points, "pitch")),
        *(_name(band, seconds, bottom) for band in bands),
        tag("line", x1="0", x2="0", y1=0, y2=bottom, class_="playhead"),
    ]
    scale = [
        tag("text", f"{100 * 2 ** (tone / 12):.0f} Hz", x="100%", dx=-8, y=y + 4, text_anchor="end")
        for tone, y in ticks
    ]
    return tag(
        "div",
        tag("svg", *scale, class_="plot scale", height=bottom, aria_hidden="true"),
        plot(bottom, label, *shapes),
        class_="voice",
    )


def _box(number: int, band: Band, seconds: float, height: float) -> Markup:
    """Every second sentence has a ground of its own."""
    where = {"x": percent(band.begin / seconds), "width": percent((band.until - band.begin) / seconds)}
    return tag("rect", **where, y=0, height=height, class_=f"band band-{number % 2}")


def _name(band: Band, seconds: float, bottom: float) -> Markup:
    middle = percent((band.begin + band.until) / 2 / seconds)
    kind = "mark doubtful" if band.doubtful else "mark"
    return tag("text", band.label, x=middle, y=bottom - 7, text_anchor="middle", class_=kind)


def scaled(pitch: Sequence[tuple[float, float | None]], seconds: float) -> tuple[list[Point], tuple[float, float]]:
    """Points from 0 to 1 both ways, strays and octave jumps left out, and the semitones at bottom and top."""
    known = [tone for _, tone in pitch if tone is not None]
    middle = median(known) if known else 0.0
    kept = [(at, tone if tone is not None and abs(tone - middle) <= _STRAY else None) for at, tone in pitch]
    tones = [tone for _, tone in kept if tone is not None] or [0.0]
    centre, span = (max(tones) + min(tones)) / 2, max(_LEAST_SPAN, 1.15 * (max(tones) - min(tones)))
    low = centre - span / 2
    points: list[Point] = []
    last: float | None = None
    for at, tone in kept:
        if tone is not None and last is not None and abs(tone - last) > _JUMP:
            points.append((at / seconds, None))
        points.append((at / seconds, None if tone is None else (tone - low) / span))
        last = tone
    return points, (low, low + span)


def _ticks(low: float, high: float) -> list[float]:
    """Semitones of a few round pitches, far enough apart to be read."""
    found: list[float] = []
    for hertz in (50, 75, 100, 150, 200, 250, 300, 400, 500, 600):
        tone = 12 * log2(hertz / 100)
        apart = (high - low) / 4
        if low + 0.08 * (high - low) < tone < high - 0.08 * (high - low) and (not found or tone - found[-1] >= apart):
            found.append(tone)
    return found


def month(counts: Mapping[str, int], whole: int, most: int, tones: Sequence[str]) -> Markup:
    """One month as a bar: its passages by tone, stacked, out of `whole`; the longest month has `most`.

    A tone's colour is its place in `tones`. Passages without a tone stay pale.
    """
    shapes = [tag("rect", x="0", y=0, width=percent(whole / most), height=_BAR, class_="open")]
    at = 0
    for number, tone in enumerate(tones):
        if count := counts.get(tone, 0):
            where = {"x": percent(at / most), "width": percent(count / most)}
            middle = percent((at + count / 2) / most)
            shapes += [
                tag("rect", tag("title", f"{tone}: {count}"), y=0, height=_BAR, class_=f"tone-{number % 9}", **where),
            ]
            if count / most >= _LEAST_SHARE * len(str(count)):
                shapes.append(tag("text", count, x=middle, y=_BAR - 5, text_anchor="middle", class_="count"))
            at += count
    said = ", ".join(f"{counts[tone]} {tone}" for tone in tones if counts.get(tone)) or "none with a tone"
    return plot(_BAR, f"{said}, of {whole}", *shapes)


def months(found: Sequence[Month], counts: str, tones: Sequence[str]) -> list[tuple[str, Markup]]:
    """(month, bar) of each month by `hand` or `machine`; none when nothing was counted."""
    if not any(getattr(one, counts) for one in found):
        return []
    most = max(one.passages for one in found)
    return [(one.name, month(getattr(one, counts), one.passages, most, tones)) for one in found]


def drift(values: Sequence[float | None], usual: Sequence[tuple[float, float] | None], label: str) -> Markup:
    """One feature from note to note: a dot and a line, and the usual range (median ± deviation) behind them."""
    known = [v for v in values if v is not None]
    bands = [edge for u in usual if u for edge in (u[0] - u[1], u[0] + u[1])]
    low, high = min([*known, *bands], default=0.0), max([*known, *bands], default=1.0)
    margin = 0.12 * (high - low or 1.0)
    low, high = low - margin, high + margin
    height, step = 96, 1 / max(1, len(values))

    def up(value: float) -> float:
        return (value - low) / (high - low)

    boxes = [
        tag(
            "rect",
            x=percent(i * step),
            width=percent(step),
            y=height * (1 - up(u[0] + u[1])),
            height=height * (up(u[0] + u[1]) - up(u[0] - u[1])),
            class_="usual",
        )
        for i, u in enumerate(usual)
        if u
    ]
    dots = [
        tag("circle", cx=percent((i + 0.5) * step), cy=height * (1 - up(v)), r=3.5, class_="dot")
        for i, v in enumerate(values)
        if v is not None
    ]
    line = curve([((i + 0.5) * step, None if v is None else up(v)) for i, v in enumerate(values)], "pitch")
    return plot(height, label, *boxes, stretched(0, height, line), *dots)
