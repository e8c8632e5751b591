"""Soft prompts for transformers: learned from passages in a tone, turned up and down, handed out with the adapter."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.conftest import QUIET, Blog, Tell
from tests.integration.ml.conftest import LEARN, Small
from tests.integration.ml.random_models import make
from tests.integration.test_dial import tellings
from tonewright import prompts
from tonewright.errors import BadInput, NothingToDo
from tonewright.gate.intervals import Counted, Resamples
from tonewright.models.base import BaseModel, find_base, sha256_of
from tonewright.models.chat import ChatFormat
from tonewright.models.registry import Model
from tonewright.tones.passages import shipped_passages
from tonewright.tones.vocabulary import Vocabulary
from tonewright.training import base_weights
from tonewright.training.job import main
from tonewright.training.peft_release import release_for_transformers
from tonewright.training.rows import Example, Row, encode
from tonewright.training.soft_prompt import STAGE, one_by_one, teach
from tonewright.training.standalone_voice import ask, dialled, load

pytestmark = [pytest.mark.train, pytest.mark.model, pytest.mark.timeout(300)]

PASSAGES = shipped_passages(Vocabulary(("dry", "wistful", "plain")))
REPORT = {"promote": True, "reasons": [], "systems": {}, "items": []}


class Handed(NamedTuple):
    """A folder that was handed out, and what it was made of."""

    folder: Path
    base: BaseModel
    weights: Path
    model: Model


@pytest.fixture(scope="module")
def handed(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Handed:
    """A tiny trained model without a chat template as a folder for transformers, with prompts for two tones."""
    place = tmp_path_factory.mktemp("handed")
    weights, gguf = make("codellama", small.weights, small.base.gguf, place)
    job = small.job(place / "run-1", replace(LEARN, method="lora", dtype="float32", rank=4))
    spec = json.loads((job / "spec.json").read_text())
    spec["base"] = {"gguf": str(gguf), "sha256": sha256_of(gguf), "name": "codellama", "weights": str(weights)}
    (job / "spec.json").write_text(json.dumps(spec))
    assert main([str(job)]) == 0, (job / "error.txt").read_text()
    base, adapter = find_base(str(gguf)), job / "out" / "adapter.gguf"
    model = Model(1, "run-1", job / "out", sha256_of(adapter), "promoted", REPORT, 0.0, "b")
    told: list[str] = []
    tones = ("dry", "wistful")
    release_for_transformers(base, model, {"recipe": {}}, weights, PASSAGES, tones, place / "voice", told.append)
    assert told[-1].startswith("soft prompt 2 of 2, wistful: step ")
    return Handed(place / "voice", base, weights, model)


def test_the_folder_is_whole_and_says_what_it_is(handed: Handed, tmp_path: Path) -> None:
    """Every file is in the checksums, the lineage counts the passages, and a tone without any is refused."""
    folder = handed.folder
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    sums = (folder / "SHA256SUMS").read_text().splitlines()
    assert there == {*(line.split("  ")[1] for line in sums), "SHA256SUMS"}
    assert {"adapter/adapter_model.safetensors", "tone-dry/adapter_config.json", "voice.py", "README.md"} <= there
    assert subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder).returncode == 0
    assert json.loads((folder / "lineage.json").read_text())["tones"] == {"dry": 14, "wistful": 14}
    assert (
        json.loads((folder / "tone-dry" / "adapter_config.json").read_text())["base_model_name_or_path"] == "codellama"
    )
    with pytest.raises(NothingToDo, match="a dial for gruff takes 5 passages"):
        release_for_transformers(handed.base, handed.model, {}, handed.weights, PASSAGES, ("gruff",), tmp_path / "no")
    changed = tmp_path / "changed"
    shutil.copytree(handed.model.folder, changed)
    (changed / "adapter" / "adapter_config.json").write_text("{}")
    with pytest.raises(BadInput, match=r"adapter_config\.json is missing or has changed"):
        release_for_transformers(
            handed.base, replace(handed.model, folder=changed), {}, handed.weights, PASSAGES, (), tmp_path / "no"
        )
    assert not (tmp_path / "no").exists()


def logits(model: Any, ids: Any, **more: Any) -> Any:
    """What the model says at the places of `ids`, shape (tokens, words)."""
    import torch

    with torch.no_grad():
        return model(input_ids=ids, **more).logits[0, -ids.shape[1] :]


def test_the_dial_turns_from_nothing_to_all_of_the_prompt(handed: Handed) -> None:
    """At 1 it is PEFT's own, at 0 the model without it, bit for bit; near either end it is near either."""
    import torch

    with base_weights.quiet_transformers():
        bare, tokenizer = load(str(handed.weights), handed.folder)
        model, _ = load(str(handed.weights), handed.folder, "wistful")
        ids = tokenizer("The bench by the lake is gone.", return_tensors="pt")["input_ids"]
        without, full = logits(bare, ids), logits(model, ids)
        at = {}
        for dial in (0.0, 1e-6, 0.5, 1.0, 2.0):
            with dialled(model, dial):
                at[dial] = logits(model, ids)
        assert torch.equal(at[0.0], without)
        assert torch.equal(logits(model, ids), full), "and afterwards it is as it was"
    assert torch.allclose(at[1.0], full, atol=1e-4)
    way = [float((at[dial] - without).norm()) for dial in (1e-6, 0.5, 1.0, 2.0)]
    assert way == sorted(way)
    assert way[1] > 10 * way[0]


@pytest.mark.filterwarnings("ignore:Position ids are not supported")  # PEFT's own, which the script hides
def test_what_is_written_is_the_same_with_a_cache_and_with_padding(handed: Handed) -> None:
    """Token by token or all over again, the dial stays where it is; padding is padding, as for PEFT."""
    with base_weights.quiet_transformers():
        model, tokenizer = load(str(handed.weights), handed.folder, "wistful")
        tokenizer.pad_token, tokenizer.padding_side = tokenizer.eos_token, "left"
        texts = ["The bench by the lake", "The bench by the lake is gone, and so is"]
        asked = tokenizer(texts, padding=True, return_tensors="pt")
        assert asked["attention_mask"].min() == 0
        options = {"max_new_tokens": 8, "do_sample": False, "pad_token_id": 0, "eos_token_id": None}
        usual = model.generate(**asked, **options)
        with dialled(model, 1.0):
            assert model.generate(**asked, **options).tolist() == usual.tolist()
        with dialled(model, 0.5):
            cached = model.generate(**asked, **options)
            assert model.generate(**asked, **options, use_cache=False).tolist() == cached.tolist()


@pytest.mark.proof
def test_the_script_writes_without_tonewright(handed: Handed) -> None:
    """`python voice.py` answers each paragraph, another way with the dial; the question is that of the training."""

    def written(*more: str) -> str:
        words = [sys.executable, "-I", str(handed.folder / "voice.py"), "--base", str(handed.weights), *more]
        done = subprocess.run(words, input="A bench.\n\nA lake.\n", capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    plain = written("--tone", "wistful")
    assert plain.count("\n\n") >= 2
    assert written("--tone", "wistful", "--dial", "1") != plain
    wording = json.loads((handed.folder / "prompts.json").read_text())
    tokenizer = base_weights.read_tokenizer(handed.weights)
    expected = ChatFormat.of(handed.base.gguf).prompt(prompts.rewrite("A bench.", "dry"))
    assert ask("A bench.", "dry", wording, tokenizer) == expected


LEARNED = ("snark", "wistful")  # a minute of training each


@pytest.mark.proof
@pytest.mark.timeout(1200)
def test_turning_a_soft_prompt_moves_the_tone(small: Small, tell: Tell) -> None:
    """Other people's passages gain more under the prompt of their own tone than under that of another."""
    passages = shipped_passages(Vocabulary((*LEARNED, "plain")))
    told = [t for t in tellings() if t.tone in LEARNED]
    recipe = replace(STAGE, dtype="float32")
    model = base_weights.load_model(small.weights, recipe, "cpu")
    rows = [Row(t.subject, tuple(prompts.training_row(prompts.rewrite(t.plain, None), t.text))) for t in told]
    heard = [encode(row, small.chat, small.tokenize) for row in rows]
    before = costs(model.eval(), heard)
    gained = {}
    for tone in LEARNED:
        taught = teach(model, tone, passages, small.chat, small.tokenize, lambda progress: None)
        for dial in (0.0, 0.5, 1.0):
            with dialled(taught, dial):
                gained[tone, dial] = before - costs(taught, heard)
        assert (gained[tone, 0.0] == 0).all(), "at 0 it is the model that it was"
    resamples = Resamples([t.subject for t in told])
    for dial in (0.5, 1.0):
        first, second = (gained[tone, dial] for tone in LEARNED)
        is_first = np.array([t.tone == LEARNED[0] for t in told])
        own, other = np.where(is_first, first, second), np.where(is_first, second, first)
        found = resamples.estimate(Counted(list(own - other), [1.0] * len(told)))
        tell(
            f"soft prompt at {dial:g}: {len(told)} held-out passages {found.value:+.3f} nats a token "
            f"({found.low:+.3f} to {found.high:+.3f}) beside the other's; by itself {own.mean():+.3f}"
        )
        assert found.low > 0


def costs(model: Any, examples: Sequence[Example]) -> np.ndarray:
    """Nats a token of each answer."""
    import torch

    with torch.no_grad():
        return np.array([float(model(**one_by_one([(e,)])).loss) for e in examples])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--tones", "dry"), "--tones is for transformers"),
        (("--for", "transformers", "--quant", "f16"), "--quant is for llama.cpp"),
        (("--for", "transformers", "--tones", "drry"), "there is no model 'champion'"),
    ],
)
def test_an_export_that_cannot_be_is_refused_at_once(blog: Blog, more: tuple[str, ...], said: str) -> None:
    """What belongs to the other kind of export, or a blog without a model: one sentence, and no folder."""
    blog.settings(QUIET)
    done = blog.tonewright("model", "export", *more, "--output", str(blog.root / "out"))
    assert done.code != 0
    assert said in done.err, done.err
    assert not (blog.root / "out").exists()
