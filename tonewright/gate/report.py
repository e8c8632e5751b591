"""The gate's verdict: its reasons in plain words, the numbers behind them, and answers side by side."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from tonewright.gate.likeness import Likeness


@dataclass(frozen=True)
class Measures:
    """What one system did with the held-out items.

    `loss` is the cost of the author's own answers in nats per word; `kept` the share of the system's answers
    without faults; `overlap` the length of the longest run of words that an answer shares with the training
    text, and `run` that run; `echoed` the share of answers that only repeat what was asked.
    """

    loss: float
    kept: float
    overlap: int
    run: str
    echoed: float
    likeness: Likeness | None


@dataclass(frozen=True)
class Check:
    """One rule of the gate, and how it went."""

    passed: bool
    text: str


@dataclass(frozen=True)
class Example:
    """One held-out item with everybody's answer; `faults` says why `rewrite` would not use an answer."""

    id: str
    tone: str | None
    source: str
    author: str
    answers: dict[str, str]
    faults: dict[str, list[str]]


@dataclass(frozen=True)
class Report:
    """`promote` is the verdict. `reasons` are the failed checks, or all of them when there are none."""

    promote: bool
    reasons: list[str]
    systems: dict[str, Measures] = field(default_factory=dict)
    items: list[Example] = field(default_factory=list)
    too_few: bool = False
    checks: list[Check] = field(default_factory=list)
    own_overlap: int = 0  # longest run that the author's held-out text shares with the training text
    own_likeness: Likeness | None = None  # distance of the author's held-out text from the training text

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it; likeness as [distance, low, high]."""
        return asdict(self)

    def to_markdown(self) -> str:
        """The report for reading."""
        parts = [f"# {'Promoted' if self.promote else 'Refused'}\n"]
        parts += [f"- {'✓' if c.passed else '✗'} {c.text}" for c in self.checks]
        parts += [] if self.checks else [f"- ✗ {reason}" for reason in self.reasons]
        if self.systems:
            parts += ["", *self._table()]
        for item in self.items:
            parts += ["", *_side_by_side(item)]
        return "\n".join(parts) + "\n"

    def _table(self) -> list[str]:
        head = (
            "",
            "nats per word",
            "answers without faults",
            "longest copy",
            "only repeats",
            "distance from you",
        )
        rows: list[tuple[str, ...]] = [head, ("---", *["---:"] * (len(head) - 1))]
        for name, m in self.systems.items():
            rows.append(
                (
                    name,
                    f"{m.loss:.2f}",
                    f"{m.kept:.0%}",
                    f"{m.overlap} words",
                    f"{m.echoed:.0%}",
                    _near(m.likeness),
                )
            )
        rows.append(("your own text", "", "", f"{self.own_overlap} words", "", _near(self.own_likeness)))
        return [f"| {' | '.join(row)} |" for row in rows]


def _near(likeness: Likeness | None) -> str:
    if likeness is None:
        return "too little text"
    return f"{likeness.distance:.2f} ({likeness.low:.2f}–{likeness.high:.2f})"


def _side_by_side(item: Example) -> list[str]:
    lines = [f"## {item.tone or 'no tone'} ({item.id})", "", f"**asked**: {_flat(item.source)}", ""]
    for name, answer in item.answers.items():
        faults = f" *({'; '.join(item.faults[name])})*" if item.faults[name] else ""
        lines += [f"**{name}**: {_flat(answer)}{faults}", ""]
    return [*lines, f"**you**: {_flat(item.author)}"]


def _flat(text: str) -> str:
    return " ".join(text.split())
