"""Merge an adapter into its base, GGUF to GGUF: one tensor in memory at a time, no torch, no converter's checkout.

Every matrix becomes W + alpha / rank * B @ A (Hu et al. 2021, LoRA, section 4.1) in float16; vectors become float32.
Whatever the base says of itself, tokenizer, chat template, licence and all, is carried over.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tonewright.errors import BadInput, Refused
from tonewright.models.gguf_header import read_header

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ROWS = 4096  # rows of a matrix that are float32 at once: 64 MB of a 7B model's
_F16 = 1  # llama.cpp's name for a file of mostly float16 (LLAMA_FTYPE_MOSTLY_F16)


def merge(
    base: Path,
    adapter: Path,
    out: Path,
    *,
    notes: dict[str, str] | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> None:
    """Write `base` with `adapter` worked in to `out`, whole or not at all.

    `notes` go into the metadata under "tonewright."; `progress` is told (tensors done, tensors in all). Raises
    `Refused` for an adapter of another architecture, `BadInput` for one whose tensors do not fit.
    """
    import gguf

    _require_match(base, adapter)
    reader = gguf.GGUFReader(base)
    changes = _Changes(gguf.GGUFReader(adapter))
    unknown = sorted(changes.names - {tensor.name for tensor in reader.tensors})
    if unknown:
        raise BadInput(f"{adapter} changes {unknown[0]}, which {base} does not have", "use the base it was trained on")
    aside = out.with_name(f".{out.name}.{os.getpid()}")
    writer = gguf.GGUFWriter(aside, str(read_header(base)["general.architecture"]))
    try:
        _copy_metadata(reader, writer, notes or {})
        for tensor in reader.tensors:
            writer.add_tensor_info(tensor.name, _shape(tensor), _dtype(tensor), _size(tensor))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for done, tensor in enumerate(reader.tensors, 1):
            writer.write_tensor_data(_merged(tensor, changes, base))
            progress(done, len(reader.tensors))
        writer.close()
        with aside.open("rb") as written:
            os.fsync(written.fileno())
        aside.replace(out)
    finally:
        writer.close()
        aside.unlink(missing_ok=True)


def _require_match(base: Path, adapter: Path) -> None:
    says, wants = read_header(adapter), read_header(base).get("general.architecture")
    if says.get("adapter.type") != "lora":
        raise BadInput(f"{adapter} is not a LoRA adapter", "give the adapter.gguf of a training run")
    if says.get("general.architecture") != wants:
        raise Refused(
            f"{adapter} is made for {says.get('general.architecture')} models, not {wants}", "change the base"
        )


class _Changes:
    """The adapter's matrices by the name of the tensor that they change."""

    def __init__(self, reader: Any) -> None:
        self._halves = {tensor.name: tensor for tensor in reader.tensors}
        self._alpha = float(reader.get_field("adapter.lora.alpha").contents())
        self.names = {name.removesuffix(".lora_a") for name in self._halves if name.endswith(".lora_a")}

    def of(self, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """(alpha / rank * B, A) as float32, of shapes (out, rank) and (rank, in); None when it stays as it is."""
        if name not in self.names:
            return None
        a, b = (self._halves[name + half].data.astype("float32") for half in (".lora_a", ".lora_b"))
        return self._alpha / a.shape[0] * b, a


def _merged(tensor: Any, changes: _Changes, base: Path) -> NDArray[Any]:
    """The tensor as it is to be written."""
    import numpy as np
    from gguf.quants import dequantize

    if len(_shape(tensor)) < 2:
        vector: NDArray[Any] = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        return vector
    change = changes.of(tensor.name)
    if change and (change[0].shape[0], change[1].shape[1]) != _shape(tensor):
        raise BadInput(
            f"the adapter's change of {tensor.name} has another shape than in {base}", "use the base it was trained on"
        )
    merged = np.empty(_shape(tensor), np.float16)
    for first in range(0, merged.shape[0], _ROWS):
        rows = slice(first, first + _ROWS)
        part = dequantize(tensor.data[rows], tensor.tensor_type)
        merged[rows] = part + change[0][rows] @ change[1] if change else part
    if not np.isfinite(merged).all():
        raise BadInput(
            f"{tensor.name} does not fit into float16 once it is merged", "retrain with a lower learning rate"
        )
    return merged


def _copy_metadata(reader: Any, writer: Any, notes: dict[str, str]) -> None:
    """Everything that the base says of itself, except what is different now."""
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
            continue
        kind = field.types[0]
        writer.add_key_value(name, field.contents(), kind, field.types[-1] if len(field.types) > 1 else None)
    writer.add_file_type(_F16)
    for name, note in notes.items():
        writer.add_string(f"tonewright.{name}", note)


def _shape(tensor: Any) -> tuple[int, ...]:
    """Rows first: GGUF counts its dimensions the other way round."""
    return tuple(int(n) for n in reversed(tensor.shape))


def _dtype(tensor: Any) -> Any:
    import numpy as np

    return np.dtype(np.float32 if len(_shape(tensor)) < 2 else np.float16)


def _size(tensor: Any) -> int:
    return int(tensor.n_elements) * int(_dtype(tensor).itemsize)
