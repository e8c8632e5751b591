"""The gate's verdict: its reasons in plain words, the figures behind them, and answers side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from tonewright.gate.intervals import Estimate


@dataclass(frozen=True)
class Measures:
    """What one system did with the held-out items; None where nothing could be counted.

    `loss` is the cost of the author's own answers in nats per word; `kept` the share of the system's answers without
    faults; `facts` the share of facts kept, by kind; `likeness` nats per word for the author and against other people;
    `meaning` the share of other sources that an answer is less like than its own; `tone` the probability that the
    tagger gives to the tone that was asked for, and `named` how often it names that one; `exposure` the bits by which
    rare numbers are given away; `overlap` the longest run of words that an answer shares with the training text, and
    `run` that run; `echoed` the share of answers that only repeat what was asked.
    """

    loss: Estimate | None = None
    kept: Estimate | None = None
    facts: dict[str, Estimate | None] = field(default_factory=dict)
    likeness: Estimate | None = None
    meaning: Estimate | None = None
    tone: Estimate | None = None
    named: Estimate | None = None
    exposure: Estimate | None = None
    overlap: int = 0
    run: str = ""
    echoed: float = 0.0


@dataclass(frozen=True)
class Check:
    """One rule of the gate, and how it went; `counted` is false where there was too little to go by."""

    name: str
    passed: bool
    text: str
    counted: bool = True


@dataclass(frozen=True)
class Example:
    """One held-out item with everybody's answer; `faults` says why `rewrite` would not use an answer."""

    id: str
    tone: str | None
    source: str
    author: str
    answers: dict[str, str]
    faults: dict[str, list[str]]
    heard: dict[str, str | None] = field(default_factory=dict)  # the tone that the tagger hears in each answer


@dataclass(frozen=True)
class Report:
    """`promote` is the verdict. `reasons` are the failed checks, or all of them when there are none."""

    promote: bool
    reasons: list[str]
    systems: dict[str, Measures] = field(default_factory=dict)
    items: list[Example] = field(default_factory=list)
    too_few: bool = False
    checks: list[Check] = field(default_factory=list)
    own: Measures = field(default_factory=Measures)  # the author's held-out text, measured as an answer
    apart: Estimate | None = None  # how well likeness tells the author's held-out text from other people's

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it; an estimate as [value, low, high]."""
        return asdict(self)

    def to_markdown(self) -> str:
        """The report for reading."""
        parts = [f"# {'Promoted' if self.promote else 'Refused'}\n"]
        parts += [f"- {mark(c)} {c.text}" for c in self.checks]
        parts += [] if self.checks else [f"- ✗ {reason}" for reason in self.reasons]
        if self.systems:
            parts += ["", *_table(self)]
        for item in self.items:
            parts += ["", *_side_by_side(item)]
        return "\n".join(parts) + "\n"


def mark(check: Check) -> str:
    """A tick, a cross, or a dash for what could not be counted."""
    return "✗" if not check.passed else "✓" if check.counted else "–"


def figure(estimate: Estimate | None, write: Callable[[float], str]) -> str:
    """A figure with its interval."""
    if estimate is None:
        return "–"
    return f"{write(estimate.value)} ({write(estimate.low)} to {write(estimate.high)})"


def nats(value: float) -> str:
    """Nats, or bits."""
    return f"{value:.2f}"


def share(value: float) -> str:
    """A share in percent."""
    return f"{value:.0%}"


# How each measure is called in a table, and how it is written.
FIGURES: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("loss", "cost of your words, nats per word", nats),
    ("likeness", "like you, nats per word", nats),
    ("named", "tone accuracy", share),
    ("tone", "tone asked for, as heard", share),
    ("meaning", "told by its meaning", share),
    ("kept", "answers without faults", share),
    ("exposure", "rare numbers given away, bits", nats),
)


def _table(report: Report) -> list[str]:
    systems = {**report.systems, "your own text": report.own}
    rows = [["", *systems], ["---", *["---:"] * len(systems)]]
    for name, called, write in FIGURES:
        rows.append([called, *(figure(getattr(m, name), write) for m in systems.values())])
    for kind in next(iter(report.systems.values())).facts:
        rows.append([f"{kind} kept", *(figure(m.facts.get(kind), share) for m in systems.values())])
    rows.append(["longest copy, words", *(str(m.overlap) for m in systems.values())])
    rows.append(["only repeats the request", *(share(m.echoed) for m in systems.values())])
    return [f"| {' | '.join(row)} |" for row in rows]


def _side_by_side(item: Example) -> list[str]:
    lines = [f"## {item.tone or 'no tone'} ({item.id})", "", f"**asked**: {_flat(item.source)}", ""]
    for name, answer in item.answers.items():
        faults = f" *({'; '.join(item.faults[name])})*" if item.faults[name] else ""
        lines += [f"**{name}**: {_flat(answer)}{faults}", ""]
    return [*lines, f"**you**: {_flat(item.author)}"]


def _flat(text: str) -> str:
    return " ".join(text.split())
