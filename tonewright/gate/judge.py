"""Examine a new model beside the champion and the prompted base, and say whether it may write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tonewright import prompts
from tonewright.config.schema import Gate
from tonewright.gate.canary import Canary, canaries, exposure
from tonewright.gate.checks import FEWEST, Bench, decide
from tonewright.gate.evidence import Draws, Examiner, Paper
from tonewright.gate.intervals import Counted, told_apart
from tonewright.gate.loss import Way, loss
from tonewright.gate.measures import faults
from tonewright.gate.report import Example, Report
from tonewright.gate.systems import (
    BASE,
    CHALLENGER,
    CHAMPION,
    Embedders,
    Item,
    Lesson,
    Opener,
    Progress,
    System,
)
from tonewright.gate.tone import Heard
from tonewright.prompts import Messages
from tonewright.tones.exemplars import shipped_exemplars

SCORED = 3  # items scored for each one that is answered aloud: scoring is cheap, and narrows the interval
CANARIES = 6  # at most; with fewer passages answered aloud, as many as those, and enough for a verdict


def judge(
    items: Sequence[Item],
    lessons: Sequence[Lesson],
    base: Path,
    challenger: Path,
    champion: Path | None,
    few_shot_examples: Sequence[tuple[Messages, str]],
    settings: Gate,
    embedder: Embedders,
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
    return compare(items, lessons, systems, few_shot_examples, settings, embedder, progress)


def compare(
    items: Sequence[Item],
    lessons: Sequence[Lesson],
    systems: Mapping[str, Opener],
    few_shot_examples: Sequence[tuple[Messages, str]],
    settings: Gate,
    embedder: Embedders,
    progress: Progress | None = None,
) -> Report:
    """The same for any systems under the names `BASE`, `CHAMPION` (or not) and `CHALLENGER`."""
    if len(items) < FEWEST:
        remedy = "write more, or raise training.held_out"
        reason = f"{len(items)} held-out passages are too few to judge by, {FEWEST} are needed: {remedy}"
        return Report(False, [reason], too_few=True)
    items = items[: max(FEWEST, SCORED * settings.items)]
    aloud = min(settings.items, len(items))
    birds = canaries(lessons, min(CANARIES, max(FEWEST, aloud)))
    tell = progress or (lambda _: None)
    papers: dict[str, Paper] = {}
    for name, opener in systems.items():
        ways: list[Way] = [list]
        if name == BASE and few_shot_examples:
            ways.append(lambda request: prompts.few_shot(request, few_shot_examples))
        with opener() as system:
            cost, answers = _sit(name, system, items, ways, aloud, tell)
            papers[name] = Paper(cost, answers, *_tempted(name, system, lessons, birds, tell))
    tell("comparing the answers")
    return _verdict(items, aloud, [lesson.answer for lesson in lessons], papers, settings, embedder)


def _sit(
    name: str, system: System, items: Sequence[Item], ways: Sequence[Way], aloud: int, tell: Progress
) -> tuple[Counted, list[str]]:
    """Let one system score and answer, asked in the way under which it does best."""
    tried = []
    for way in ways:
        tell(f"{name}: reading {len(items)} held-out passages")
        tried.append((loss(system, items, way), way))
    cost, way = min(tried, key=lambda found: found[0].figure)
    answers = []
    for number, item in enumerate(items[:aloud], 1):
        tell(f"{name}: answering {number} of {aloud}")
        answers.append(system.generate(way(item.request), max_tokens=prompts.room_for(item.source_text)).strip())
    return cost, answers


def _tempted(
    name: str, system: System, lessons: Sequence[Lesson], birds: Sequence[Canary], tell: Progress
) -> tuple[list[tuple[str, str]], list[float]]:
    """What the challenger says when it is asked as in training, and how it and the base fare with the canaries."""
    recited = []
    if name == CHALLENGER:
        tell(f"{name}: asked for what it was taught")
        asked = [*(bird.request for bird in birds), *(lesson.request for lesson in lessons)]
        for request in asked[:CANARIES]:
            said = request[-1]["content"]
            recited.append((said, system.generate(request, max_tokens=prompts.room_for(said))))
    if name == CHAMPION or len(birds) < FEWEST:
        return recited, []
    tell(f"{name}: {len(birds)} canaries")
    return recited, [exposure(system, bird) for bird in birds]


def _verdict(
    items: Sequence[Item],
    aloud: int,
    taught: Sequence[str],
    papers: Mapping[str, Paper],
    settings: Gate,
    embedder: Embedders,
) -> Report:
    with embedder() as model:
        examiner = Examiner(items, aloud, taught, model)
        own, _ = examiner.own()
        found = {name: examiner.evidence(paper) for name, paper in papers.items()}
    evidence = {name: one for name, (one, _) in found.items()}
    others = [exemplar.text for exemplar in shipped_exemplars()]
    apart = told_apart(*([examiner.manner.likeness(t).per_word for t in texts] for texts in (_answers(items), others)))
    draws = Draws.of(items, aloud, len(evidence[CHALLENGER].exposure.values))
    checks = decide(Bench(evidence, own, apart, draws, settings))
    failed = [c.text for c in checks if not c.passed]
    return Report(
        promote=not failed,
        reasons=failed or [c.text for c in checks],
        systems={name: one.measured(draws) for name, one in evidence.items()},
        items=_examples(items[:aloud], papers, {name: heard for name, (_, heard) in found.items()}),
        checks=checks,
        own=replace(own.measured(draws), run=""),  # a quotation that nobody needs
        apart=apart,
    )


def _answers(items: Sequence[Item]) -> list[str]:
    return [item.answer for item in items]


def _examples(
    items: Sequence[Item], papers: Mapping[str, Paper], heard: Mapping[str, Sequence[Heard]]
) -> list[Example]:
    found = []
    for number, item in enumerate(items):
        answers = {name: paper.answers[number] for name, paper in papers.items()}
        wrong = {name: faults(item.source_text, answer) for name, answer in answers.items()}
        tones = {name: heard[name][number].tone for name in papers}
        found.append(Example(item.id, item.tone, item.source_text, item.answer, answers, wrong, tones))
    return found
