"""A direction per layer as a control vector, the GGUF file that llama.cpp's `--control-vector` takes.

The layout is llama.cpp's own (cvector-generator): tensors `direction.N` of the model's width in float32, N being the
block, counted from 0, after which it is added; block 0 has none.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tonewright.errors import BadInput
from tonewright.models.gguf_header import read_header

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FAMILY = "controlvector"
_TENSOR = "direction."


def write_control_vector(
    file: Path, directions: Mapping[int, NDArray[np.float32]], family: str, *, notes: Mapping[str, str]
) -> None:
    """Write `directions`, {layer counted from 1: the model's width}, for models of `family`, whole or not at all.

    `notes` go into the metadata under "tonewright.". Layer 1 cannot be carried.
    """
    import gguf

    aside = file.with_name(f".{file.name}.{os.getpid()}")
    writer = gguf.GGUFWriter(aside, FAMILY)
    writer.add_string(f"{FAMILY}.model_hint", family)
    writer.add_uint32(f"{FAMILY}.layer_count", len(directions))
    for key, value in notes.items():
        writer.add_string(f"tonewright.{key}", value)
    for layer, direction in sorted(directions.items()):
        writer.add_tensor(f"{_TENSOR}{layer - 1}", direction.astype("float32"))
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)


def read_control_vector(file: Path) -> dict[int, NDArray[np.float32]]:
    """What `write_control_vector` wrote. Raises `BadInput` for any other file."""
    import gguf
    import numpy as np

    if read_header(file).get("general.architecture") != FAMILY:
        raise BadInput(f"{file} is no control vector", "`tonewright rewrite --dial` makes them")
    return {
        int(tensor.name.removeprefix(_TENSOR)) + 1: np.array(tensor.data, dtype=np.float32)
        for tensor in gguf.GGUFReader(file).tensors
        if tensor.name.startswith(_TENSOR)
    }
