"""Which combinations there are to measure: a base, a quantisation of it, and a trained model on it or in it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tonewright.gguf.quantise import F16, FORMS
from tonewright.models.base import BaseModel
from tonewright.models.gguf_header import read_header
from tonewright.models.registry import Model

VERSION = 1  # of what is measured and how; with another one everything is measured anew
AS_IS = "as it is"
ALONE, ADAPTER, MERGED = "alone", "adapter", "merged"
DEFAULT_FORMS = ("q8_0", "q4_k_m")
# Bits per weight of a whole file, by llama.cpp's number of its form, as files of some billion weights have them.
_BITS = {
    0: 32.0, 1: 16.0, 32: 16.0, 2: 4.6, 3: 5.1, 8: 5.6, 9: 6.1, 7: 8.5,
    10: 3.0, 11: 3.5, 12: 3.9, 13: 4.3, 14: 4.6, 15: 4.9, 16: 5.6, 17: 5.7, 18: 6.6,
}  # fmt: skip
_USUAL_BITS = 5.0


@dataclass(frozen=True)
class Cell:
    """One combination. `way` is `ALONE`, or how the trained model `model` is used: `ADAPTER` or `MERGED`."""

    base: BaseModel
    form: str  # AS_IS, or one of `FORMS`
    way: str = ALONE
    model: int | None = None
    adapter: Path | None = None
    adapter_sha256: str = ""

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        form = self.form if self.form == AS_IS else f"as {self.form}"
        with_ = {
            ALONE: "",
            ADAPTER: f" with model {self.model}'s adapter",
            MERGED: f" with model {self.model} merged in",
        }
        return f"{self.base.name} {form}{with_[self.way]}"

    @property
    def beside(self) -> Path | None:
        """The adapter that is loaded beside the file."""
        return self.adapter if self.way == ADAPTER else None

    @property
    def about_bytes(self) -> int:
        """How large its file is, roughly: known before it is made."""
        return _about(self.base, self.form) + (self.beside.stat().st_size if self.beside else 0)

    @property
    def about_disk(self) -> int:
        """What has to be free to make it: merging goes by way of float16."""
        if self.form == AS_IS:
            return 0
        return _about(self.base, self.form) + (_about(self.base, F16) if self.way == MERGED else 0)

    def key(self, questions: str) -> str:
        """The name of its measurement: a hash of the files, of what is asked (`questions`), of how, and of where."""
        where = [platform.node(), platform.machine(), os.cpu_count()]
        what = [self.base.sha256, self.form, self.way, self.adapter_sha256]
        return hashlib.sha256(json.dumps([VERSION, what, questions, where]).encode()).hexdigest()[:20]


def cells(bases: Iterable[BaseModel], models: Sequence[Model], forms: Sequence[str]) -> list[Cell]:
    """All combinations, those of one file next to each other; a base is not quantised to what it is already."""
    found: list[Cell] = []
    for base in bases:
        own = [model for model in models if model.base == base.sha256]
        is_now = read_header(base.gguf).get("general.file_type")
        for form in (AS_IS, *(form for form in forms if FORMS[form] != is_now)):
            found.append(Cell(base, form))
            found += [_with(base, form, ADAPTER, model) for model in own]
        found += [_with(base, form, MERGED, model) for model in own for form in forms]
    return found


def _about(base: BaseModel, form: str) -> int:
    size = base.gguf.stat().st_size
    if form == AS_IS:
        return size
    own = _BITS.get(read_header(base.gguf).get("general.file_type", -1), _USUAL_BITS)
    return round(size / own * _BITS[FORMS[form]])


def _with(base: BaseModel, form: str, way: str, model: Model) -> Cell:
    return Cell(base, form, way, model.id, model.adapter, model.adapter_sha256)
