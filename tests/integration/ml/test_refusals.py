"""The gate on real models: one that is good passes, and each bad one is refused for its own reason."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, Tell
from tests.integration.ml.conftest import Small
from tests.integration.test_gate import embedder
from tests.unit.gate.scripted import Scripted
from tonewright import prompts
from tonewright.config.schema import Gate
from tonewright.corpus.plain_rules import plain_by_rules
from tonewright.gate.judge import compare
from tonewright.gate.language import numbers, words
from tonewright.gate.report import Report
from tonewright.gate.systems import BASE, CHALLENGER, CHAMPION, Item, Lesson, Opener, System
from tonewright.gguf.adapter import write_adapter
from tonewright.models.base import find_base
from tonewright.models.llama import LocalModel, Score
from tonewright.prompts import Messages
from tonewright.training.job import main
from tonewright.training.recipe import Recipe, load_recipe

pytestmark = [pytest.mark.proof, pytest.mark.train, pytest.mark.model, pytest.mark.timeout(1800)]

POSTS = sorted((REPOSITORY / "examples" / "blog" / "_posts").glob("*.md"))
NUMBER = re.compile(
    r"\s*\b(?:\d[\d,.:]*|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|(?:twen|thir|for|fif|six"
    r"|seven|eigh|nine)ty|hundred|thousand)\b",
    re.IGNORECASE,
)
TAUGHT, PARROTED, HELD_OUT, ALOUD = 64, 10, 12, 6


def passages(posts: list[Path]) -> list[tuple[str, str]]:
    """(post, paragraph of prose) with something to rewrite in it."""
    found = []
    for post in posts:
        body = post.read_text(encoding="utf-8").partition("---\n")[2].partition("---\n")[2]
        found += [(post.stem, p.strip()) for p in body.split("\n\n") if p.strip()[:1].isalnum() and len(words(p)) > 14]
    return found


def lesson(text: str) -> Lesson:
    """A row as the corpus makes it."""
    return Lesson(prompts.rewrite(plain_by_rules(text), None), text)


def held_out() -> list[tuple[str, str]]:
    """Unseen passages, those with numbers first: the ones that are answered aloud have something to lose."""
    found = passages(POSTS[16:])
    return sorted(found, key=lambda passage: -len(numbers(passage[1])))[:HELD_OUT]


LESSONS = [lesson(text) for _, text in passages(POSTS[:16])][:TAUGHT]
ITEMS = [
    Item(f"item-{n}", "rewrite", None, prompts.rewrite(plain, None), text, plain, post)
    for n, (post, text, plain) in enumerate((post, t, plain_by_rules(t)) for post, t in held_out())
]


class Remembered:
    """A real model that is asked the same by every examination, and answers the same without thinking twice."""

    def __init__(self, model: LocalModel) -> None:
        self._model = model
        self._known: dict[str, Score | str] = {}

    def score(self, messages: Messages, target: str) -> Score:
        """The real cost."""
        return self._once(json.dumps([messages, target]), lambda: self._model.score(messages, target))

    def generate(self, messages: Messages, *, max_tokens: int) -> str:
        """The real answer."""
        key = json.dumps([messages, max_tokens])
        return self._once(key, lambda: self._model.generate(messages, max_tokens=max_tokens))

    def _once(self, key: str, ask: Callable[[], object]) -> object:
        if key not in self._known:
            self._known[key] = ask()
        return self._known[key]


class Changed:
    """A real model whose every answer goes through a rule."""

    def __init__(self, model: System, rule: Callable[[str], str]) -> None:
        self._model, self._rule = model, rule
        self.score = model.score

    def generate(self, messages: Messages, *, max_tokens: int) -> str:
        """What the rule leaves of the answer."""
        return self._rule(self._model.generate(messages, max_tokens=max_tokens))


def train(small: Small, folder: Path, lessons: list[Lesson], recipe: Recipe) -> Path:
    """A real run on `lessons`; returns its output folder."""
    folder.mkdir()
    rows = [{"id": f"r{n}", "messages": prompts.training_row(*one)} for n, one in enumerate(lessons)]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "heldout.jsonl").write_text(json.dumps(rows[0]) + "\n", encoding="utf-8")
    base = {"gguf": str(small.base.gguf), "sha256": small.base.sha256, "name": small.base.name}
    spec = {"run": folder.name, "base": base, "recipe": asdict(recipe), "cache": str(small.cache)}
    (folder / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    assert main([str(folder)]) == 0, (folder / "error.txt").read_text()
    return folder / "out"


def of_zeros(small: Small, trained: Path, out: Path) -> Path:
    """An adapter that changes nothing: the base, dressed up as a model of its own."""
    from safetensors.numpy import load_file, save_file

    folder = out / "zeros"
    folder.mkdir()
    (folder / "adapter_config.json").write_bytes((trained / "adapter" / "adapter_config.json").read_bytes())
    tensors = load_file(trained / "adapter" / "adapter_model.safetensors")
    save_file({name: 0 * value for name, value in tensors.items()}, folder / "adapter_model.safetensors")
    write_adapter(folder, small.base.gguf, out / "zeros.gguf")
    return out / "zeros.gguf"


def failed(report: Report) -> list[str]:
    """The rules that said no."""
    return [check.name for check in report.checks if not check.passed]


def test_each_bad_model_is_refused_for_its_own_reason(small: Small, tmp_path: Path, tell: Tell) -> None:
    """Trained for real: a good one and a parrot. The base is an adapter of zeros; the number loser is the good one
    whose answers lose their numbers on the way out.
    """
    recipe = replace(load_recipe("smollm2-135m"), checkpoint_steps=1000)
    good = train(small, tmp_path / "good", LESSONS, recipe)
    crammed = replace(recipe, epochs=12.0, learning_rate=2e-3)
    parrot = train(small, tmp_path / "parrot", LESSONS[:PARROTED], crammed)
    adapters = {
        "good": good / "adapter.gguf",
        "base": of_zeros(small, good, tmp_path),
        "parrot": parrot / "adapter.gguf",
    }
    settings = Gate(items=ALOUD)

    def examined(challenger: System, lessons: list[Lesson]) -> Report:
        systems: Mapping[str, Opener] = {
            BASE: lambda: nullcontext(plain_base),
            CHALLENGER: lambda: nullcontext(challenger),
        }
        return compare(ITEMS, lessons, systems, [], settings, lambda: embedder(small.base, tmp_path))

    reports = {}
    with LocalModel(small.base.gguf) as base:
        plain_base = Remembered(base)
        for name, adapter in adapters.items():
            with LocalModel(small.base.gguf, adapter) as model:
                asked = Remembered(model)
                reports[name] = examined(asked, LESSONS[:PARROTED] if name == "parrot" else LESSONS)
                if name == "good":
                    mute = Changed(asked, lambda said: NUMBER.sub("", said))
                    reports["loses numbers"] = examined(mute, LESSONS)
    for name, report in reports.items():
        tell(f"{name}: {'promoted' if report.promote else 'refused'}; {'; '.join(report.reasons)}")
    assert reports["good"].promote
    assert failed(reports["base"]) == ["loss"]
    assert failed(reports["loses numbers"]) == ["facts"]
    assert "copying" in failed(reports["parrot"])


def test_a_model_that_ignores_the_tone_is_refused_for_that(tmp_path: Path, tell: Tell) -> None:
    """A writer who says each thing in six tones beside one who says it in one: the real tagger hears the difference.

    The answers are a person's, since a model of 135M hardly heeds a tone; their costs are given.
    """
    base = find_base("smollm2-135m")
    told = [json.loads(line) for line in (REPOSITORY / "examples" / "tones.jsonl").read_text("utf-8").splitlines()]
    voice = [row for row in told if row["voice"] == told[0]["voice"]]
    plain = {row["subject"]: row["text"] for row in voice if row["tone"] == "plain"}
    marked = [row for row in voice if row["tone"] != "plain"]
    items = [
        Item(f"{n}", "rewrite", row["tone"], prompts.rewrite(plain[row["subject"]], row["tone"]), row["text"],
             plain[row["subject"]], row["subject"])
        for n, row in enumerate(marked)
    ]  # fmt: skip
    said = {(plain[row["subject"]], row["tone"]): row["text"] for row in marked}
    systems = {
        BASE: Scripted(3.0, lambda source, tone: source),
        CHAMPION: Scripted(2.5, lambda source, tone: said[source, tone]),
        CHALLENGER: Scripted(2.0, lambda source, tone: source),
    }
    lessons = [lesson(row["text"]) for row in told if row["voice"] != told[0]["voice"]]
    report = compare(
        items,
        lessons,
        {name: (lambda system=system: nullcontext(system)) for name, system in systems.items()},
        [],
        Gate(items=len(items)),
        lambda: embedder(base, tmp_path),
    )
    heard = {name: report.systems[name].named for name in (CHAMPION, CHALLENGER)}
    tell("; ".join(f"{name}: in the tone asked for {e.value:.0%} of the time" for name, e in heard.items() if e))
    tell("; ".join(report.reasons))
    assert "tone" in failed(report)
