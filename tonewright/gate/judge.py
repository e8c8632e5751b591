"""Examine a new model beside the champion and the prompted base, and say whether it may write."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tonewright import prompts
from tonewright.config.schema import Gate
from tonewright.gate.language import words
from tonewright.gate.likeness import likeness
from tonewright.gate.measures import OverlapIndex, faults, longest_overlap, similarity
from tonewright.gate.report import Check, Example, Measures, Report
from tonewright.prompts import Messages

BASE, CHAMPION, CHALLENGER = "prompted base", "champion", "challenger"

FEWEST = 4  # held-out items below which no verdict is worth anything
FEW = 6  # below this the new model must be better on every single item: a bootstrap of five is a guess
SCORED = 3  # items scored for each one that is answered aloud: scoring is cheap, and narrows the interval
OVERLAP_MARGIN = 4  # words beyond what the author's own held-out text shares with the training text
KEPT_MARGIN = 0.15  # how much less often than the prompted base a new model may keep an answer whole
ECHO = 0.93  # similarity from which an answer only repeats the request
_DRAWS = 2000


@dataclass(frozen=True)
class Item:
    """A held-out row: the request, what the author answered, and the text that the request is about."""

    id: str
    kind: str
    tone: str | None
    request: Messages
    answer: str
    source_text: str


class Cost(Protocol):
    """`nll`: summed negative log-likelihood in nats."""

    @property
    def nll(self) -> float:
        """In nats, not negative."""
        ...


class System(Protocol):
    """Something that can be examined; `LocalModel` is one."""

    def score(self, messages: Messages, target: str) -> Cost:
        """What `target` costs as the answer to `messages`."""
        ...

    def generate(self, messages: Messages, *, max_tokens: int) -> str:
        """The likeliest answer to `messages`, always the same."""
        ...


Opener = Callable[[], AbstractContextManager[System]]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Paper:
    """What one system handed in: the cost of each author's answer, and its own answers to the first items."""

    nll: list[float]
    answers: list[str]


def judge(
    items: Sequence[Item],
    train_targets: Sequence[str],
    base: Path,
    challenger: Path,
    champion: Path | None,
    few_shot_examples: Sequence[tuple[Messages, str]],
    settings: Gate,
    progress: Progress | None = None,
) -> Report:
    """Examine the adapters `challenger` and `champion` on the GGUF `base`; one model is loaded at a time.

    `items` come in the order of lots: the first `settings.items` are answered aloud, and three times as many
    are scored.
    """
    from tonewright.models.llama import LocalModel

    systems: dict[str, Opener] = {BASE: lambda: LocalModel(base)}
    if champion:
        systems[CHAMPION] = lambda: LocalModel(base, champion)
    systems[CHALLENGER] = lambda: LocalModel(base, challenger)
    return compare(items, train_targets, systems, few_shot_examples, settings, progress)


def compare(
    items: Sequence[Item],
    train_targets: Sequence[str],
    systems: Mapping[str, Opener],
    few_shot_examples: Sequence[tuple[Messages, str]],
    settings: Gate,
    progress: Progress | None = None,
) -> Report:
    """The same for any systems under the names `BASE`, `CHAMPION` (or not) and `CHALLENGER`."""
    if len(items) < FEWEST:
        remedy = "write more, or raise training.held_out"
        reason = f"{len(items)} held-out passages are too few to judge by, {FEWEST} are needed: {remedy}"
        return Report(False, [reason], too_few=True)
    items = items[: max(FEWEST, SCORED * settings.items)]
    papers: dict[str, Paper] = {}
    for name, opener in systems.items():
        ways = [_alone]
        if name == BASE and few_shot_examples:
            ways.append(lambda item: prompts.few_shot(item.request, few_shot_examples))
        with opener() as system:
            papers[name] = _sit(name, system, items, ways, settings.items, progress or (lambda _: None))
    index = OverlapIndex(train_targets)
    measured = {name: _measure(paper, items, train_targets, index) for name, paper in papers.items()}
    own = max(longest_overlap(i.answer, index, i.source_text)[0] for i in items)
    checks = [_beats(name, papers, items) for name in papers if name != CHALLENGER]
    checks += [_remembers(measured[CHALLENGER], own, settings), _keeps(measured, settings)]
    failed = [c.text for c in checks if not c.passed]
    return Report(
        promote=not failed,
        reasons=failed or [c.text for c in checks],
        systems=measured,
        items=_examples(items, papers),
        checks=checks,
        own_overlap=own,
        own_likeness=likeness([i.answer for i in items[: settings.items]], train_targets),
    )


def bootstrap(differences: Sequence[float], weights: Sequence[float]) -> tuple[float, float]:
    """The 95 % percentile interval of sum(differences) / sum(weights) when items are drawn with replacement.

    Passages of one post are not independent of each other, so the true interval is somewhat wider.
    """
    dice = random.Random(0)  # noqa: S311 - statistics, not secrets
    pairs = list(zip(differences, weights))
    drawn = []
    for _ in range(_DRAWS):
        sample = dice.choices(pairs, k=len(pairs))
        drawn.append(sum(d for d, _ in sample) / sum(w for _, w in sample))
    drawn.sort()
    return drawn[round(0.025 * _DRAWS)], drawn[round(0.975 * _DRAWS) - 1]


def _alone(item: Item) -> Messages:
    return item.request


def _sit(
    name: str,
    system: System,
    items: Sequence[Item],
    ways: Sequence[Callable[[Item], Messages]],
    aloud: int,
    progress: Progress,
) -> Paper:
    """Let one system score and answer, asked in the way under which it does best."""
    papers = []
    for way in ways:
        progress(f"{name}: reading {len(items)} held-out passages")
        papers.append(([system.score(way(item), item.answer).nll for item in items], way))
    nll, way = min(papers, key=lambda paper: sum(paper[0]))
    answers = []
    for number, item in enumerate(items[:aloud], 1):
        progress(f"{name}: answering {number} of {min(aloud, len(items))}")
        answers.append(system.generate(way(item), max_tokens=prompts.room_for(item.source_text)).strip())
    return Paper(nll, answers)


def _measure(paper: Paper, items: Sequence[Item], train_targets: Sequence[str], index: OverlapIndex) -> Measures:
    answered = list(zip(items, paper.answers))
    overlap, run = max((longest_overlap(a, index, i.source_text) for i, a in answered), default=(0, ""))
    share = 1 / max(1, len(answered))
    return Measures(
        loss=sum(paper.nll) / _words(items),
        kept=share * sum(not faults(i.source_text, a) for i, a in answered),
        overlap=overlap,
        run=run,
        echoed=share * sum(similarity(i.source_text, a) > ECHO for i, a in answered),
        likeness=likeness(paper.answers, train_targets),
    )


def _beats(rival: str, papers: Mapping[str, Paper], items: Sequence[Item]) -> Check:
    """Cheaper by more than chance: the whole interval below zero or, with few items, every difference."""
    before, after = papers[rival].nll, papers[CHALLENGER].nll
    differences = [a - b for a, b in zip(after, before)]
    change = f"{sum(before) / _words(items):.2f} → {sum(after) / _words(items):.2f} nats per word"
    if len(items) < FEW:
        better = sum(d < 0 for d in differences)
        passed, detail = better == len(items), f"better on {better} of {len(items)} passages"
    else:
        low, high = bootstrap(differences, [len(words(i.answer)) or 1 for i in items])
        passed, detail = high < 0, f"{low:+.2f} to {high:+.2f} at 95 %"
    return Check(passed, f"{'beats' if passed else 'does not beat'} the {rival}: {change} ({detail})")


def _remembers(challenger: Measures, own: int, settings: Gate) -> Check:
    limit = max(settings.max_overlap_words, own + OVERLAP_MARGIN)
    if challenger.overlap > limit:
        said = f"recites training text: {challenger.overlap} words in a row, “{challenger.run}”"
        return Check(False, f"{said} ({limit} allowed)")
    return Check(True, f"does not recite training text: {challenger.overlap} words in a row, {limit} allowed")


def _keeps(measured: Mapping[str, Measures], settings: Gate) -> Check:
    """A small base loses facts under any prompt; what is asked of training is that it makes that no worse.

    `rewrite` uses no answer with a fault, so this is about usefulness: the author's text is safe either way.
    """
    share, usual = measured[CHALLENGER].kept, measured[BASE].kept
    said = f"keeps to the facts in {share:.0%} of its answers (numbers, names, links, negations)"
    if share >= settings.min_kept:
        return Check(True, said)
    passed = share > 0 and share >= usual - KEPT_MARGIN
    return Check(passed, f"{said}; {settings.min_kept:.0%} are asked, and the {BASE} reaches {usual:.0%}")


def _words(items: Sequence[Item]) -> int:
    return sum(len(words(i.answer)) for i in items) or 1


def _examples(items: Sequence[Item], papers: Mapping[str, Paper]) -> list[Example]:
    found = []
    for number, item in enumerate(items[: len(papers[CHALLENGER].answers)]):
        answers = {name: paper.answers[number] for name, paper in papers.items()}
        wrong = {name: faults(item.source_text, answer) for name, answer in answers.items()}
        found.append(Example(item.id, item.tone, item.source_text, item.answer, answers, wrong))
    return found
