"""Model files that came from elsewhere and mean harm, or were damaged on the way: refused, and nothing falls over."""

from __future__ import annotations

import json
import os
import pickle
import random
import shutil
import struct
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import Tell
from tests.integration.ml.conftest import LEARN, Small
from tests.integration.ml.random_models import make
from tonewright.errors import BadInput, Missing
from tonewright.models.base import BaseModel, original_weights, sha256_of
from tonewright.models.gguf_header import read_header
from tonewright.models.trial import require_loadable
from tonewright.training import base_weights

pytestmark = [pytest.mark.train, pytest.mark.model, pytest.mark.timeout(300)]

HEAD, TABLE = 1500, 3000  # bytes at the beginning, and before the weights, that are worth damaging


@pytest.fixture(scope="module")
def victim(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole GGUF of a tiny model."""
    return make("llama", small.weights, small.base.gguf, tmp_path_factory.mktemp("victim"))[1]


def mutated(whole: bytes, weights_at: int, rng: random.Random) -> bytes:
    """The file with a few bytes of its header changed, lengths and counts more than others, or cut short."""
    data = bytearray(whole)
    for _ in range(rng.choice([1, 1, 2, 4])):
        at = rng.choice([rng.randrange(HEAD), rng.randrange(weights_at - TABLE, weights_at)])
        how = rng.randrange(4)
        if how == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif how == 1:
            data[at : at + 8] = struct.pack("<Q", rng.choice([0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1]))
        elif how == 2:
            data[at : at + 4] = struct.pack("<I", rng.choice([0, 7, 255, 2**31, 2**32 - 1]))
        else:
            data[at] = rng.randrange(256)
    return bytes(data[: rng.randrange(len(data))] if rng.random() < 0.05 else data)


def fates(victim: Path, tmp_path: Path, count: int) -> Counter[str]:
    """What becomes of `count` damaged copies: refused by their header, by a child process, or loaded."""
    import gguf

    whole, rng, told = victim.read_bytes(), random.Random(11), Counter[str]()
    weights_at = int(gguf.GGUFReader(victim).data_offset)
    for number in range(count):
        file = tmp_path / f"{number}.gguf"
        file.write_bytes(mutated(whole, weights_at, rng))
        try:
            read_header(file)
            require_loadable(BaseModel("victim", file, sha256_of(file), "", "llama"))
            told["loaded"] += 1
        except BadInput as e:
            told["a child died of it" if "brings llama.cpp down" in e.what else "refused"] += 1
        file.unlink()
    return told


def test_damaged_headers(victim: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 10 damaged files most are refused, some load, and this process lives; `make proof` does 1,000."""
    monkeypatch.setenv("TONEWRIGHT_CACHE", str(tmp_path / "cache"))
    told = fates(victim, tmp_path, 10)
    assert sum(told.values()) == 10
    assert told["refused"] > 4


@pytest.mark.proof
@pytest.mark.timeout(1500)
def test_a_thousand_damaged_headers(victim: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell) -> None:
    """A thousand files with damaged headers."""
    monkeypatch.setenv("TONEWRIGHT_CACHE", str(tmp_path / "cache"))
    told = fates(victim, tmp_path, 1000)
    said = ", ".join(f"{number} {what}" for what, number in told.most_common())
    tell(f"1,000 GGUF files with damaged headers: {said}; 0 crashes here")
    assert sum(told.values()) == 1000


def test_pickles_and_code_are_not_taken(small: Small, tmp_path: Path) -> None:
    """A folder of weights with a pickle and a module of its own: neither is sent, loaded nor run."""

    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "boom"),)

    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))
    (folder / "modeling_evil.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'boom')!r})\n")
    config = json.loads((small.weights / "config.json").read_text())
    config |= {"auto_map": {"AutoModelForCausalLM": "modeling_evil.Evil", "AutoConfig": "modeling_evil.Evil"}}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(Missing, match=r"no \.safetensors"):
        original_weights(str(folder))
    with pytest.raises(Exception, match=r"safetensors|trust_remote_code"):
        base_weights.load_model(folder, replace(LEARN, method="lora"), "cpu")
    shutil.copy(next(small.weights.glob("*.safetensors")), folder)
    assert {*original_weights(str(folder))} == {"config.json", "model.safetensors"}
    assert not (tmp_path / "boom").exists()
