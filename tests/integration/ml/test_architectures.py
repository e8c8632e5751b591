"""Every family of bases that the recipes name goes all the way: trained, exported, loaded, compared, merged."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import NO_MODEL, Blog
from tests.integration.ml.conftest import LEARN, Small
from tests.integration.ml.random_models import UNTAUGHT, make
from tonewright.gguf.merge import merge
from tonewright.gguf.parity import check, check_merged
from tonewright.gguf.quantise import quantise
from tonewright.models.base import sha256_of
from tonewright.models.chat import ChatFormat
from tonewright.training.job import main

pytestmark = [pytest.mark.train, pytest.mark.model, pytest.mark.timeout(300)]


LONGER = [pytest.param(family, marks=pytest.mark.proof) for family in ("llama", "codellama", "smollm2")]


@pytest.mark.parametrize("family", ["phi2", *LONGER])
def test_from_random_weights_to_a_merged_file(small: Small, tmp_path: Path, family: str) -> None:
    """Adapter and merged export of a random model say what PyTorch says: cosine above 0.999, top-1 above 0.97.

    Half of the families have no chat template, as the real Phi-2 and CodeLlama.
    """
    weights, gguf = make(family, small.weights, small.base.gguf, tmp_path)
    assert (ChatFormat.of(gguf).template is None) == (family in UNTAUGHT)
    folder = small.job(tmp_path / "run-1", replace(LEARN, method="lora", dtype="float32", rank=4))
    spec = json.loads((folder / "spec.json").read_text())
    spec["base"] = {"gguf": str(gguf), "sha256": sha256_of(gguf), "name": family}
    spec["cache"] = str(tmp_path / "cache")
    if family == "phi2":
        spec["base"]["weights"] = str(weights)  # transformers reads no phi2 GGUF
    (folder / "spec.json").write_text(json.dumps(spec))
    assert main([str(folder)]) == 0, (folder / "error.txt").read_text()

    out = folder / "out"
    report = check(gguf, out / "adapter.gguf", out / "reference.npz")
    assert (report.ok, report.mean_cosine > 0.999, report.top1 > 0.97) == (True, True, True), report
    merge(gguf, out / "adapter.gguf", tmp_path / "merged.gguf")
    exact = check_merged(tmp_path / "merged.gguf", out / "reference.npz", exact=True)
    assert (exact.ok, exact.mean_cosine > 0.999, exact.top1 > 0.97) == (True, True, True), exact
    quantise(tmp_path / "merged.gguf", tmp_path / "small.gguf", "q8_0")
    assert check_merged(tmp_path / "small.gguf", out / "reference.npz", exact=False).ok
    # Without the adapter the base is something else: the comparison could tell.
    assert not check_merged(gguf, out / "reference.npz", exact=True).ok


@pytest.mark.proof
def test_three_processes_convert_a_base_at_once(small: Small, tmp_path: Path) -> None:
    """All of them get the one copy, and nothing is left beside it."""
    _, gguf = make("llama", small.weights, small.base.gguf, tmp_path)
    words = f"convert(Path({str(gguf)!r}), {'0' * 64!r}, Path({str(tmp_path / 'cache')!r}))"
    code = f"from pathlib import Path; from tonewright.training.base_weights import convert; print({words})"
    at_once = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    told = {process.communicate(timeout=200)[0] for process in at_once}
    assert [process.returncode for process in at_once] == [0, 0, 0]
    assert told == {f"{tmp_path / 'cache' / 'llama-0000000000000000'}\n"}
    assert [p.name for p in (tmp_path / "cache").iterdir()] == ["llama-0000000000000000"]


@pytest.mark.proof
def test_phi_2_from_the_settings(small: Small, blog: Blog, tmp_path: Path) -> None:
    """`model.weights` brings a base that transformers cannot read from its GGUF through a whole retrain."""
    weights, gguf = make("phi2", small.weights, small.base.gguf, tmp_path)
    base = f'[model]\nbase = "{gguf}"\nweights = "{weights}"\n'
    blog.small_retrain(
        'method = "lora"\ndtype = "float32"\nmax_steps = 4\nlearning_rate = 1e-2\n', more=base + NO_MODEL
    )
    done = blog.tonewright("up", "--once", timeout=280)
    assert done.code == 0, done.err
    assert json.loads(blog.tonewright("status", "--json").out)["failed"] == []
    (model,) = json.loads(blog.tonewright("model", "list", "--json").out)["models"]
    assert json.loads((Path(model["folder"]) / "parity.json").read_text())["ok"] is True
