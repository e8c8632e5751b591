"""Closed sets of answers, scored by the real small model."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("numpy")
pytest.importorskip("llama_cpp")

import numpy as np

from tonewright.errors import BadInput
from tonewright.models.base import find_base
from tonewright.models.choices import Choices
from tonewright.models.likelihood import token_nll
from tonewright.models.llama import LocalModel

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]

ANSWERS = ("snark", "dry", "sincere", "wistful")


def ask(passage: str) -> list[dict[str, str]]:
    """A prompt whose beginning is always the same."""
    return [{"role": "user", "content": f"Name the tone: snark, dry, sincere or wistful.\n\nPassage: {passage}\nTone:"}]


def test_the_shared_beginning_changes_no_score() -> None:
    """Scores are those of whole prompts evaluated from their first token, whatever was asked before them."""
    base = find_base("smollm2-135m")
    with Choices(base.gguf, n_ctx=512) as choices, LocalModel(base.gguf, n_ctx=512) as model:
        first = choices.score(ask("The kettle has retired."), ANSWERS)
        before = choices.evaluated
        choices.score(ask("I miss the old porch."), ANSWERS)
        prompt = choices.tokenize(choices.prompt(ask("I miss the old porch.")))
        assert choices.evaluated - before < len(prompt) / 2
        assert choices.score(ask("The kettle has retired."), ANSWERS) == pytest.approx(first, abs=0.05)
        prompt = model.tokenize(choices.prompt(ask("The kettle has retired.")))
        for answer, score in zip(ANSWERS, first):
            target = model.tokenize(answer)
            logits = model.logits([*prompt, *target[:-1]])[len(prompt) - 1 :]
            assert score == pytest.approx(-float(np.mean(token_nll(logits, target))), abs=0.3)


def test_what_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    """A prompt that fills the window, and a file that is no GGUF, cost one sentence; the next question is answered."""
    with Choices(find_base("smollm2-135m").gguf, n_ctx=256) as choices:
        with pytest.raises(BadInput, match="the window is"):
            choices.score(ask("word " * 400), ANSWERS)
        assert choices.score(ask("Rain again."), ANSWERS).shape == (4,)
    (tmp_path / "no.gguf").write_bytes(b"PK\x03\x04 a zip file, by mistake")
    with pytest.raises(BadInput, match=r"no\.gguf is not a GGUF file"):
        find_base(str(tmp_path / "no.gguf"))
