"""Recordings as the review page plays and draws them: the stretch of one passage, as plain WAV that any browser has."""

from __future__ import annotations

import io
import threading
import wave
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tonewright.errors import TonewrightError
from tonewright.notes.decode import Sound, decode
from tonewright.notes.evidence import about
from tonewright.notes.pitch import WIDEST, track
from tonewright.notes.spoken import Line, Note, Spoken, notes, spoken
from tonewright.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_MARGIN = 0.25  # seconds before the first word and after the last
_BEYOND = 5.0  # semitones that a syllable may lie outside of the medians that were kept
_LEVELS = 400  # points of the outline
_KEPT = 2  # decoded recordings that stay in memory: 64 kB for each second


@dataclass(frozen=True, eq=False)
class Stretch:
    """The part of a recording in which one passage is said; all seconds count from its own start."""

    samples: npt.NDArray[np.float32]  # shape (n,), mono, -1 to 1
    rate: int
    seconds: float
    lines: list[Line]
    begin: float  # where it starts in the recording
    evidence: str  # about all of its sentences

    def wav(self) -> bytes:
        """As a WAV file, 16 bits."""
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setparams((1, 2, self.rate, 0, "NONE", ""))
            file.writeframes((self.samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
        return out.getvalue()

    def pitch(self) -> list[tuple[float, float | None]]:
        """(seconds, semitones above 100 Hz, or None where there is no voice), from what is known of its range."""
        known = [tone for line in self.lines for tone in line.features.contour if tone is not None]
        if not known:
            return []
        floor, ceiling = (100 * 2 ** (tone / 12) for tone in (min(known) - _BEYOND, max(known) + _BEYOND))
        found = track(self.samples, self.rate, max(floor, WIDEST[0]), min(ceiling, WIDEST[1]))
        return [(float(t), None if tone != tone else float(tone)) for t, tone in zip(found.times, found.semitones)]

    def levels(self) -> list[float]:
        """The loudest sample of each of equal parts, the loudest of all being 1."""
        import numpy as np

        peaks = [float(np.abs(part).max(initial=0.0)) for part in np.array_split(self.samples, _LEVELS)]
        most = max(peaks) or 1.0
        return [peak / most for peak in peaks]


class Recordings:
    """Decodes recordings for several threads, and remembers the last few."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._guard = threading.Lock()
        self._sounds: OrderedDict[str, Sound] = OrderedDict()

    def stretch(self, passage: int) -> Stretch | None:
        """Where this passage is said; None when nobody has listened yet, or the recording cannot be read."""
        rows = self._workspace.ledger.read(
            """SELECT d.path, d.id, p.span_start, p.span_end FROM passages p JOIN documents d ON d.id = p.document
               WHERE p.id = ? AND d.origin = 'note' AND d.live = 1""",
            (passage,),
        )
        for path, document, start, end in rows:
            note = next(n for n in notes(self._workspace.ledger, path) if n.document == document)
            said = spoken(self._workspace, note)
            lines = said.lines if said else []
            own = [s for s in lines if start <= s.placed.start < end and s.placed.until > s.placed.begin]
            if said and own:
                return self._cut(note, said, own)
        return None

    def _cut(self, note: Note, said: Spoken, own: Sequence[Line]) -> Stretch | None:
        try:
            sound = self._decoded(note.audio)
        except (TonewrightError, OSError):
            return None
        begin = max(0.0, min(line.placed.begin for line in own) - _MARGIN)
        until = min(sound.seconds, max(line.placed.until for line in own) + _MARGIN)
        samples = sound.samples[int(begin * sound.rate) : int(until * sound.rate)]
        if len(samples) == 0:
            return None
        evidence = about(said.usual, [line.features for line in own])
        return Stretch(samples, sound.rate, len(samples) / sound.rate, list(own), begin, evidence)

    def _decoded(self, audio: str) -> Sound:
        with self._guard:
            if audio not in self._sounds:
                self._sounds[audio] = decode(self._workspace.folder("store") / audio)
            self._sounds.move_to_end(audio)
            while len(self._sounds) > _KEPT:
                self._sounds.popitem(last=False)
            return self._sounds[audio]
