"""A trained model merged into its base: the file says what the trainer's model said, and nothing less is kept."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.integration.ml.conftest import Small
from tonewright.errors import BadInput, Refused, UsageError
from tonewright.gguf.adapter import write_adapter
from tonewright.gguf.control_vector import write_control_vector
from tonewright.gguf.merge import merge
from tonewright.gguf.modelfile import modelfile
from tonewright.gguf.release import release
from tonewright.models.base import sha256_of
from tonewright.models.chat import ChatFormat
from tonewright.models.gguf_header import read_header
from tonewright.models.llama import LocalModel
from tonewright.models.registry import Model

pytestmark = [pytest.mark.train, pytest.mark.model, pytest.mark.timeout(300)]

REPORT = {
    "promote": True,
    "reasons": ["it said “the boiler has retired” and beats the base"],
    "systems": {},
    "items": [],
}


def model(job: Path, tmp_path: Path, adapter: Path | None = None) -> Model:
    """The job's result as the registry knows it, or one with another adapter."""
    folder = tmp_path / "model"
    shutil.copytree(job / "out", folder)
    if adapter is not None:
        shutil.copy(adapter, folder / "adapter.gguf")
    return Model(1, "run-1", folder, sha256_of(folder / "adapter.gguf"), "promoted", REPORT, 0.0, "b")


def test_a_release_is_whole_checked_and_described(small: Small, job: Path, tmp_path: Path) -> None:
    """The quantised file answers, carries the base's words about itself, and its card quotes nobody."""
    folder = tmp_path / "voice"
    made = release(small.base, model(job, tmp_path), {"recipe": {"rank": 8}}, "q8_0", folder)
    assert {p.name for p in folder.iterdir()} == {"voice.gguf", "Modelfile", "README.md", "lineage.json", "SHA256SUMS"}
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    mine, base = read_header(made.file), read_header(small.base.gguf)
    same = {name for name in base if name != "general.file_type"}
    assert {name: mine[name] for name in same} == {name: base[name] for name in same}
    assert mine["tonewright.base.sha256"] == small.base.sha256
    assert "boiler" not in (folder / "README.md").read_text()
    assert json.loads((folder / "lineage.json").read_text())["recipe"] == {"rank": 8}
    assert (folder / "Modelfile").read_text() == modelfile(made.file.name, ChatFormat.of(made.file))
    with LocalModel(made.file, n_ctx=256) as loaded:
        assert loaded.generate([{"role": "user", "content": "Say a word."}], max_tokens=4)
    # Again over itself is fine, and float16 is the trainer's model to the third digit; over anything else it is not.
    vector = tmp_path / "dry.gguf"
    write_control_vector(vector, {2: np.ones(576, dtype=np.float32)}, "llama", notes={})
    exact = release(small.base, model(job, tmp_path / "again"), {}, "f16", folder, vectors={"dry": vector}).parity
    assert "tone-dry.gguf" in (folder / "SHA256SUMS").read_text()
    assert "--control-vector-scaled tone-dry.gguf:" in (folder / "README.md").read_text()
    assert (folder / "tone-dry.gguf").read_bytes() == vector.read_bytes()
    assert (exact.mean_cosine > 0.999, exact.top1 > 0.97) == (True, True), exact
    assert json.loads((folder / "lineage.json").read_text())["file"]["form"] == "f16"
    (tmp_path / "letters").mkdir()
    with pytest.raises(UsageError, match="something else"):
        release(small.base, model(job, tmp_path / "third"), {}, "f16", tmp_path / "letters")


def test_what_is_not_the_trained_model_is_not_released(small: Small, job: Path, tmp_path: Path) -> None:
    """An adapter that lost its strength, another base, no adapter at all: each refused, and nothing is left behind."""
    weak = tmp_path / "weak"
    shutil.copytree(job / "out" / "adapter", weak)
    config = json.loads((weak / "adapter_config.json").read_text())
    (weak / "adapter_config.json").write_text(json.dumps({**config, "lora_alpha": 0.001}))
    notes = {"base.sha256": small.base.sha256}
    write_adapter(weak, small.base.gguf, tmp_path / "weak.gguf", notes=notes)
    with pytest.raises(Refused, match="perplexity"):
        release(small.base, model(job, tmp_path, tmp_path / "weak.gguf"), {}, "f16", tmp_path / "voice")
    with pytest.raises(Refused, match="trained on a base"):
        release(replace(small.base, sha256="0" * 64), model(job, tmp_path / "b"), {}, "f16", tmp_path / "voice")
    with pytest.raises(BadInput, match="not a LoRA adapter"):
        merge(small.base.gguf, small.base.gguf, tmp_path / "no.gguf")
    assert {p.name for p in tmp_path.iterdir()} == {"weak", "weak.gguf", "model", "b"}
