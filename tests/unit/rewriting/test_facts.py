"""A rewriting that lost a fact never gets into the file."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.conftest import Tell
from tests.unit.rewriting.facts import mutants
from tests.voices import rewrite


def run(number: int, seed: int) -> tuple[Counter[str], list[str]]:
    """({kind of loss: caught}, those that were not caught)."""
    caught: Counter[str] = Counter()
    missed = []
    for mutant in mutants(number, seed):
        assert mutant.answer != mutant.source
        text, (span,) = rewrite(mutant.source, lambda _, mutant=mutant: mutant.answer)
        if span.kept or not span.why or text != mutant.source:
            missed.append(f"{mutant.kind}: {mutant.answer}")
        caught[mutant.kind] += 1
    return caught, missed


def test_losses_are_caught() -> None:
    """Each kind of loss, in eight paragraphs."""
    _, missed = run(8, seed=1)
    assert missed == []


def test_harmless_changes_are_let_through() -> None:
    """The same paragraphs with other words and all facts are used, or the proof below would prove nothing."""
    for mutant in mutants(8, seed=2):
        _, (span,) = rewrite(mutant.source, lambda said: said.replace("On the way home", "Walking back"))
        assert span.kept, span.why


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_every_loss_is_caught(tell: Tell) -> None:
    """Five hundred paragraphs, each with every fact lost in turn."""
    caught, missed = run(500, seed=3)
    told = ", ".join(f"{kind} {n}" for kind, n in caught.items())
    tell(f"{caught.total()} mutated rewrites, {caught.total() - len(missed)} caught ({told})")
    assert missed == []
