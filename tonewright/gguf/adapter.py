"""Write a PEFT LoRA adapter as a GGUF file that llama.cpp loads on top of its base.

The layout is llama.cpp's own (convert_lora_to_gguf.py): two tensors per adapted matrix, `<name>.lora_a` of
shape (rank, in) and `<name>.lora_b` of shape (out, rank), and one `adapter.lora.alpha`; the effective
change is alpha / rank * B @ A.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tonewright.errors import BadInput, Refused
from tonewright.models.gguf_header import read_header

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Architectures whose tensor names and layout we know; True where q and k have their rotary halves
# interleaved.
FAMILIES = {"llama": True, "phi2": False}

# What a GGUF adapter cannot say, as the keys of PEFT's adapter_config.json, each with the way out.
_UNSAYABLE = {
    "use_rslora": "train without rsLoRA; a larger alpha has the same effect",
    "use_dora": "train without DoRA",
    "modules_to_save": "adapt layers instead of retraining them whole",
    "alpha_pattern": "use one alpha for all layers",
    "lora_bias": "train without bias",
}
_PREFIX = "base_model.model."


def write_adapter(peft_folder: Path, base_gguf: Path, out: Path, *, notes: dict[str, str] | None = None) -> None:
    """Write the adapter in `peft_folder` (adapter_config.json, adapter_model.safetensors) to `out`, whole
    or not.

    `base_gguf` is the base that it was trained on; `notes` go into the metadata under "tonewright.".
    Raises `Refused` for kinds of adapters that GGUF cannot carry and `BadInput` for tensors that do not fit.
    """
    import gguf
    from safetensors.numpy import load_file

    config = json.loads((peft_folder / "adapter_config.json").read_text(encoding="utf-8"))
    refuse_unsayable(config)
    base = read_header(base_gguf)
    names = _TensorNames(base)
    aside = out.with_name(f".{out.name}.{os.getpid()}")
    writer = gguf.GGUFWriter(aside, names.family)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(config["lora_alpha"]))
    for key, value in (notes or {}).items():
        writer.add_string(f"tonewright.{key}", value)
    try:
        for key, value in sorted(load_file(peft_folder / "adapter_model.safetensors").items()):
            name, data = names.translate(key, value)
            writer.add_tensor(name, data.astype("float16"))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)


def refuse_unsayable(config: dict[str, Any]) -> None:
    """Raise `Refused` if PEFT's `config` describes more than a plain LoRA with one alpha."""
    if config.get("peft_type") != "LORA":
        raise Refused(f"the adapter is a {config.get('peft_type')}, not a LoRA", "train a LoRA")
    for key, remedy in _UNSAYABLE.items():
        if config.get(key):
            raise Refused(f"a GGUF adapter cannot carry {key} = {config[key]!r}", remedy)
    if config.get("bias", "none") != "none":
        raise Refused("a GGUF adapter cannot carry trained biases", "train without bias")


class _TensorNames:
    """PEFT's tensor names and layout to GGUF's, for one base."""

    def __init__(self, base: dict[str, Any]) -> None:
        import gguf

        self.family = str(base.get("general.architecture"))
        if self.family not in FAMILIES:
            raise Refused(
                f"we cannot export adapters for {self.family} models",
                f"choose a base of {' or '.join(FAMILIES)}",
            )
        architecture = {name: arch for arch, name in gguf.MODEL_ARCH_NAMES.items()}[self.family]
        self._map = gguf.get_tensor_name_map(architecture, base[f"{self.family}.block_count"])
        heads = base[f"{self.family}.attention.head_count"]
        self._heads = {"q_proj": heads, "k_proj": base.get(f"{self.family}.attention.head_count_kv", heads)}

    def translate(self, key: str, value: NDArray[np.float32]) -> tuple[str, NDArray[np.float32]]:
        """The GGUF name and layout of PEFT's tensor `key`."""
        module, _, which = key.removesuffix(".weight").rpartition(".")
        suffix = {"lora_A": ".lora_a", "lora_B": ".lora_b"}.get(which)
        name = self._map.get_name(module.removeprefix(_PREFIX) + ".weight", try_suffixes=(".weight",))
        if suffix is None or name is None:
            raise BadInput(f"the adapter's tensor {key} has no place in a {self.family} GGUF")
        heads = self._heads.get(module.rpartition(".")[2])
        if suffix == ".lora_b" and heads and FAMILIES[self.family]:
            value = interleave_rotary(value, heads)
        return name + suffix, value


def interleave_rotary(rows: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Reorder the output rows of a q or k projection from transformers' rotary layout to llama.cpp's.

    transformers keeps each head's two rotary halves one after the other, llama.cpp interleaves them; `rows`
    has shape (heads * head size, anything). The same permutation as in llama.cpp's conversion of Llama
    weights.
    """
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    interleaved: NDArray[np.float32] = halves.swapaxes(1, 2).reshape(rows.shape)
    return interleaved
