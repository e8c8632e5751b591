"""The gate on the real small base: an adapter that changes nothing must not pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tonewright import prompts
from tonewright.config.schema import Gate
from tonewright.corpus.plain_rules import plain_by_rules
from tonewright.gate.judge import compare
from tonewright.gate.systems import BASE, CHALLENGER, Item, Lesson
from tonewright.models.base import BaseModel, find_base
from tonewright.models.embedder import VERSION, Embedder
from tonewright.models.llama import LocalModel
from tonewright.models.vectors import KeptEmbedder
from tonewright.tones.exemplars import shipped_vectors

pytestmark = pytest.mark.model

OWN = (
    "The kettle gave up on Tuesday, which is the day it usually picks, and I drank tea from a pan.",
    "Nobody on the towpath believes in signs, so the lock was open and 2 cats had moved in.",
    "I miss how the old engine complained; the new one starts without a word and I do not trust it.",
    "There is a tin behind the stove with £14 in it, and I have stopped asking Ruth why.",
)
EXAMPLE = "The lamp has seen better wicks, and so, I am told, have I."


@contextmanager
def embedder(base: BaseModel, folder: Path) -> Iterator[KeptEmbedder]:
    """The real one; it knows the exemplars by heart, as in daily use."""
    with Embedder(base.gguf) as model:
        kept = KeptEmbedder(model, folder / "vectors.db", shipped_vectors(base.sha256, VERSION))
        yield kept
        kept.close()


def test_base_against_itself_is_refused(tmp_path: Path) -> None:
    """The untrained base as its own challenger answers, is no cheaper, and is refused for that."""
    base = find_base("smollm2-135m")
    items = [
        Item(str(n), "rewrite", "dry", prompts.rewrite(plain_by_rules(own), "dry"), own, plain_by_rules(own))
        for n, own in enumerate(OWN)
    ]
    heard: list[str] = []
    report = compare(
        items,
        [Lesson(prompts.rewrite("The lamp is old, and I am old.", "dry"), EXAMPLE)],
        {name: lambda: LocalModel(base.gguf, threads=1) for name in (BASE, CHALLENGER)},
        [(prompts.rewrite("The lamp is old, and I am old.", "dry"), EXAMPLE)],
        Gate(items=1),
        lambda: embedder(base, tmp_path),
        heard.append,
    )
    assert not report.promote and not report.too_few
    assert report.reasons[0].startswith("does not beat the prompted base")
    base_loss, own_loss = report.systems[BASE].loss, report.systems[CHALLENGER].loss
    assert base_loss and own_loss and 0 < base_loss.value <= own_loss.value
    assert all(answer for answer in report.items[0].answers.values())
    assert f"{CHALLENGER}: answering 1 of 1" in heard
