"""A training job end to end on the real small model, and the adapters that parity must not let pass."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.integration.ml.conftest import TINY, Small
from tonewright.errors import BadInput, Refused
from tonewright.gguf import adapter, parity
from tonewright.models.base import sha256_of
from tonewright.models.embedder import Embedder
from tonewright.models.gguf_header import read_header
from tonewright.models.llama import LocalModel
from tonewright.training.job import main

pytestmark = [pytest.mark.train, pytest.mark.model, pytest.mark.timeout(300)]


def test_a_job_leaves_everything_that_its_manifest_names(job: Path) -> None:
    """Files, hashes and sizes agree, nothing is left over, and nothing names this machine."""
    out = job / "out"
    manifest = json.loads((out / "manifest.json").read_text())["files"]
    found = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert found == {*manifest, "manifest.json"}
    assert found >= {"adapter.gguf", "reference.npz", "metrics.json", "adapter/adapter_model.safetensors"}
    for name, entry in manifest.items():
        assert entry == {"sha256": sha256_of(out / name), "bytes": (out / name).stat().st_size}
    assert (out / "reference.npz").stat().st_size < 4_000_000
    assert {p.name for p in job.iterdir()} == {
        "spec.json", "train.jsonl", "heldout.jsonl", "progress.json", "out",
    }  # fmt: skip
    assert json.loads((job / "progress.json").read_text())["phase"] == "done"
    config = json.loads((out / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "smollm2-135m"


def test_the_job_learned_and_says_so(job: Path) -> None:
    """The held-out loss fell, and the metrics count rows, steps and tokens."""
    metrics = json.loads((job / "out" / "metrics.json").read_text())
    assert metrics["heldout_loss_after"] < metrics["heldout_loss_before"]
    assert (metrics["rows"], metrics["heldout_rows"], metrics["steps"]) == (8, 2, 4)
    assert [step for step, _ in metrics["losses"]] == [1, 2, 3, 4]
    assert json.loads((job / "progress.json").read_text())["losses"] == metrics["losses"]


def test_a_finished_job_is_not_done_again(job: Path) -> None:
    """Starting it once more changes no file of the result."""
    before = sha256_of(job / "out" / "adapter.gguf"), (job / "out" / "adapter.gguf").stat().st_mtime_ns
    assert main([str(job)]) == 0
    assert (
        sha256_of(job / "out" / "adapter.gguf"),
        (job / "out" / "adapter.gguf").stat().st_mtime_ns,
    ) == before


def test_the_exported_adapter_does_what_the_trained_one_did(small: Small, job: Path) -> None:
    """llama.cpp with the GGUF adapter agrees with PyTorch on tokens, logits and perplexity."""
    out = job / "out"
    report = parity.check(small.base.gguf, out / "adapter.gguf", out / "reference.npz")
    assert report.ok, report
    assert read_header(out / "adapter.gguf")["tonewright.base.sha256"] == small.base.sha256


@pytest.mark.parametrize("fault", ["zeroed", "not reordered"])
def test_a_wrong_adapter_is_refused(small: Small, job: Path, tmp_path: Path, fault: str) -> None:
    """An export that lost B, or did not reorder q and k for llama.cpp, does not pass."""
    if fault == "zeroed":
        wrong = _changed(job, tmp_path, lambda name, value: value * ("lora_B" not in name))
    else:
        wrong = _changed(job, tmp_path, _undo_reordering)
    adapter.write_adapter(wrong, small.base.gguf, tmp_path / "wrong.gguf")
    report = parity.check(small.base.gguf, tmp_path / "wrong.gguf", job / "out" / "reference.npz")
    assert not report.ok
    assert any("as far off" in reason for reason in report.reasons)


def test_what_a_gguf_cannot_carry_is_refused(small: Small, job: Path, tmp_path: Path) -> None:
    """rsLoRA, DoRA, retrained modules and biases: refused before anything is written, with the way out."""
    for change in (
        {"use_rslora": True},
        {"use_dora": True},
        {"modules_to_save": ["lm_head"]},
        {"bias": "all"},
    ):
        folder = tmp_path / next(iter(change))
        shutil.copytree(job / "out" / "adapter", folder)
        config = json.loads((folder / "adapter_config.json").read_text())
        (folder / "adapter_config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(Refused, match="cannot carry"):
            adapter.write_adapter(folder, small.base.gguf, tmp_path / "no.gguf")
    assert not (tmp_path / "no.gguf").exists()


def test_the_adapter_changes_what_is_likely(small: Small, job: Path) -> None:
    """With the adapter a sentence in the voice costs less; at strength 0 it costs what it costs the base."""
    asked = [{"role": "user", "content": "Rewrite this in my voice, in a dry tone:\n\nThe boiler is broken."}]
    voice = "The boiler has retired, without notice and without a speech."
    costs = []
    for scale in (None, 0.0, 1.0):
        tuned = None if scale is None else job / "out" / "adapter.gguf"
        with LocalModel(small.base.gguf, tuned, n_ctx=256, adapter_scale=scale or 0.0) as model:
            costs.append(model.score(asked, voice))
            answer = model.generate(asked, max_tokens=12)
            assert answer == "".join(model.stream(asked, max_tokens=12))
            assert model.score(asked, voice) == costs[-1]  # whatever the cache held in between
    bare, off, on = (cost.nll for cost in costs)
    assert off == pytest.approx(bare, rel=1e-3)
    assert on < bare
    assert len({cost.tokens for cost in costs}) == 1


def test_a_whole_model_is_not_taken_for_an_adapter(small: Small) -> None:
    """llama.cpp would load it without a word and ignore it."""
    with pytest.raises(BadInput, match="not a LoRA adapter"):
        LocalModel(small.base.gguf, small.base.gguf)


def test_embeddings_are_of_length_one_and_tell_texts_apart(small: Small) -> None:
    """The same text gives the same vector, alone or among others; an empty text and a long one work too."""
    with Embedder(small.base.gguf) as embedder:
        rows = embedder.embed(["Rain again.", "Rain again.", "A splendid day!", "", "word " * 1000])
        assert embedder.embed([]).shape == (0, rows.shape[1])
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    assert (rows[0] == rows[1]).all()
    assert float(rows[0] @ rows[2]) < 0.999


def test_a_job_that_cannot_run_leaves_one_sentence(small: Small, tmp_path: Path) -> None:
    """A base that is not the one that was meant ends the job at once, with exit code 1 and a reason."""
    folder = small.job(tmp_path / "run-2", TINY)
    spec = json.loads((folder / "spec.json").read_text())
    spec["base"]["sha256"] = "0" * 64
    (folder / "spec.json").write_text(json.dumps(spec))
    assert main([str(folder)]) == 1
    (sentence,) = (folder / "error.txt").read_text().splitlines()
    assert "send the base again" in sentence
    assert not (folder / "out").exists()


def test_sequences_longer_than_the_context_are_refused(small: Small, tmp_path: Path) -> None:
    """Before anything is loaded: past its context a base makes noise."""
    folder = small.job(tmp_path / "run-3", replace(TINY, sequence_length=16384))
    assert main([str(folder)]) == 1
    assert "reads 8192: lower sequence_length" in (folder / "error.txt").read_text()


def _changed(job: Path, tmp_path: Path, change: Callable[[str, NDArray[np.float32]], NDArray[np.float32]]) -> Path:
    """A copy of the job's adapter with every tensor changed."""
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "wrong"
    shutil.copytree(job / "out" / "adapter", folder)
    file = folder / "adapter_model.safetensors"
    tensors = {name: np.ascontiguousarray(change(name, t)) for name, t in load_file(file).items()}
    save_file(tensors, file)
    return folder


def _undo_reordering(name: str, value: NDArray[np.float32]) -> NDArray[np.float32]:
    """What, once reordered by the export, ends up in the order it had before."""
    heads = {"q_proj": 9, "k_proj": 3}.get(name.split(".")[-3])
    if heads is None or "lora_B" not in name:
        return value
    order = adapter.interleave_rotary(np.arange(len(value)).reshape(-1, 1), heads).ravel()
    undone = np.empty_like(value)
    undone[order] = value
    return undone
