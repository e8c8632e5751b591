"""What each system's paper is worth, passage by passage, before anybody judges it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tonewright.gate.intervals import Counted, Estimate, Resamples
from tonewright.gate.likeness import Manner
from tonewright.gate.meaning import meaning
from tonewright.gate.measures import ECHO, FACTS, OverlapIndex, facts, faults, longest_overlap, similarity
from tonewright.gate.report import Measures
from tonewright.gate.systems import Item
from tonewright.gate.tone import Ear, Heard, named, obeyed
from tonewright.tones.tagger import TextEmbedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Paper:
    """What one system handed in.

    The `loss` on each author's answer, in nats, its own `answers` to the first items, what it says when asked as
    in training (`recited`: request, answer), and by how many bits it gives each canary away (`exposure`).
    """

    loss: Counted
    answers: list[str]
    recited: list[tuple[str, str]] = field(default_factory=list)
    exposure: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Draws:
    """The resamples of scored items, of items answered aloud, and of canaries."""

    scored: Resamples
    aloud: Resamples
    canaries: Resamples

    @classmethod
    def of(cls, items: Sequence[Item], aloud: int, canaries: int) -> Draws:
        """Passages are drawn by post; canaries one by one."""
        posts = [item.post or item.id for item in items]
        return cls(Resamples(posts), Resamples(posts[:aloud]), Resamples([str(n) for n in range(max(1, canaries))]))


@dataclass(frozen=True)
class Evidence:
    """One system's figures per passage, and what needs no interval: its longest copy and how often it only echoes."""

    loss: Counted
    kept: Counted  # 1 for an answer without faults
    facts: dict[str, Counted]
    likeness: Counted
    meaning: Counted
    tone: Counted  # probability of the tone that was asked for
    named: Counted  # 1 where the tagger names it
    exposure: Counted
    overlap: int
    run: str
    echoed: float

    def measured(self, draws: Draws) -> Measures:
        """The figures with their intervals; None for what nothing could be counted of."""

        def aloud(counted: Counted) -> Estimate | None:
            return draws.aloud.estimate(counted) if sum(counted.weights) else None

        return Measures(
            loss=draws.scored.estimate(self.loss) if self.loss.values else None,
            kept=draws.aloud.estimate(self.kept),
            facts={kind: aloud(counted) for kind, counted in self.facts.items()},
            likeness=draws.aloud.estimate(self.likeness),
            meaning=draws.aloud.estimate(self.meaning),
            tone=aloud(self.tone),
            named=aloud(self.named),
            exposure=draws.canaries.estimate(self.exposure) if self.exposure.values else None,
            overlap=self.overlap,
            run=self.run,
            echoed=self.echoed,
        )


class Examiner:
    """Turns papers into evidence. All texts are embedded once, with one model open."""

    def __init__(self, items: Sequence[Item], aloud: int, taught: Sequence[str], embedder: TextEmbedder) -> None:
        self.manner = Manner(taught)
        self._asked = items[:aloud]
        self._index = OverlapIndex(taught)
        self._embedder, self._ear = embedder, Ear(embedder)
        self._wished = [item.tone if item.tone in self._ear.tones else None for item in self._asked]
        self._sources = embedder.embed([item.source_text for item in self._asked])
        own = embedder.embed([item.answer for item in self._asked])
        self._usual = _stacked(self._sources, own)

    def own(self) -> tuple[Evidence, list[Heard]]:
        """The author's own answers, measured like anybody's; they cost nothing and give nothing away."""
        return self.evidence(Paper(Counted([], []), [item.answer for item in self._asked]))

    def evidence(self, paper: Paper) -> tuple[Evidence, list[Heard]]:
        """What a paper is worth, and the tones that are heard in its answers."""
        answered = list(zip(self._asked, paper.answers))
        sources = [(item.source_text, answer) for item, answer in answered]
        overlap, run = max((longest_overlap(a, self._index, s) for s, a in (*sources, *paper.recited)), default=(0, ""))
        ones = [1.0] * len(answered)
        kept = [facts(source, answer) for source, answer in sources]
        heard = self._ear.hear(paper.answers)
        found = Evidence(
            loss=paper.loss,
            kept=Counted([float(not faults(source, answer)) for source, answer in sources], ones),
            facts={kind: Counted([k[kind][0] for k in kept], [k[kind][1] for k in kept]) for kind in FACTS},
            likeness=self.manner.counted(paper.answers),
            meaning=Counted(meaning(self._sources, self._embedder.embed(paper.answers), self._usual), ones),
            tone=obeyed(heard, self._wished),
            named=named(heard, self._wished),
            exposure=Counted(paper.exposure, [1.0] * len(paper.exposure)),
            overlap=overlap,
            run=run,
            echoed=sum(similarity(source, answer) > ECHO for source, answer in sources) / (len(answered) or 1),
        )
        return found, heard


def _stacked(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    return np.concatenate([one, other])
