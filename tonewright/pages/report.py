"""The report: one page that needs nothing but itself, with the tones by month, the taggers, and every voice note."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from tonewright.corpus.tones import months, taggers
from tonewright.notes.baseline import LEAST
from tonewright.notes.spoken import Note, Spoken, notes, spoken
from tonewright.pages import html, plots
from tonewright.pages.names import colours, day_in_words, of_note
from tonewright.workspace import Workspace

MOST_NOTES = 60  # the latest, each with its drawing: a page of a megabyte is enough

# What is drawn from note to note: a feature, how its plot is called, its unit, and its value as it is read.
_DRIFTS: tuple[tuple[str, str, str, Callable[[float], str]], ...] = (
    ("f0_median", "Pitch", "Hz", lambda tone: f"{100 * 2 ** (tone / 12):.0f}"),
    ("f0_range", "Range of pitch", "semitones", lambda span: f"{span:.1f}"),
    ("rate", "Pace", "syllables a second", lambda pace: f"{pace:.1f}"),
    ("pause_share", "Pauses", "% of the time", lambda share: f"{100 * share:.0f}"),
)


def report(workspace: Workspace) -> bytes:
    """The page, in UTF-8. Raises `Missing` without the `web` extra."""
    tones = workspace.vocabulary.names
    found = months(workspace.ledger, workspace.config.tagger.threshold)
    heard = [(note, said) for note in notes(workspace.ledger) if (said := spoken(workspace, note))]
    by_hand, by_machine = (sum(sum(m.hand.values()) for m in found), sum(sum(m.machine.values()) for m in found))
    return html.alone(
        "report.html",
        name=workspace.root.name,
        day=day_in_words(time.strftime("%Y-%m-%d")),
        figures=[
            (sum(m.passages for m in found), "passages"),
            (by_hand, "tones by hand"),
            (by_machine, "by machine"),
            (len(heard), "voice notes heard"),
        ],
        charts=[
            ("By hand", plots.months(found, "hand", tones)),
            ("By machine", plots.months(found, "machine", tones)),
        ],
        tones=tones,
        colour=colours(tones),
        taggers=taggers(workspace.ledger),
        least=LEAST,
        drifts=_drifts([said for _, said in heard]),
        notes=[_note(note, said) for note, said in heard[-MOST_NOTES:]],
    )


def _drifts(heard: Sequence[Spoken]) -> list[dict[str, Any]]:
    drawn = []
    for feature, name, unit, read in _DRIFTS:
        values = [_middle(said, feature) for said in heard]
        known = [v for v in values if v is not None]
        if not known or min(known) == max(known) == 0:
            continue
        usual = [said.usual.usual.get(feature) if said.usual.is_known else None for said in heard]
        span = f"{read(min(known))} to {read(max(known))} {unit}"
        drawing = plots.drift(values, usual, f"{name} of {len(known)} notes, {span}")
        drawn.append({"name": name, "range": span, "drawing": drawing})
    return drawn


def _middle(said: Spoken, feature: str) -> float | None:
    values = [v for line in said.lines if (v := getattr(line.features, feature)) is not None]
    return median(values) if values else None


def _note(note: Note, said: Spoken) -> dict[str, Any]:
    title, written = of_note(note.path)
    bands = [
        plots.Band(line.placed.begin, line.placed.until, str(number), bool(line.placed.flag))
        for number, line in enumerate(said.lines, 1)
    ]
    label = f"Pitch over {said.seconds:.0f} seconds, {len(bands)} sentences"
    return {
        "title": title,
        "day": day_in_words(written),
        "length": f"{said.seconds:.0f} s",
        "evidence": said.evidence,
        "drawing": plots.voice(said.seconds, _contour(said), bands, label=label),
        "lines": said.lines,
    }


def _contour(said: Spoken) -> list[tuple[float, float | None]]:
    """(seconds, semitones or None) from the small contour that is kept of each sentence, with a gap after it."""
    points: list[tuple[float, float | None]] = []
    for line in said.lines:
        step = (line.placed.until - line.placed.begin) / max(1, len(line.features.contour))
        points += [(line.placed.begin + (i + 0.5) * step, tone) for i, tone in enumerate(line.features.contour)]
        points.append((line.placed.until, None))
    return points
