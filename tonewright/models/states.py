"""What a GGUF's layers hold while it reads: the states of its tokens, copied out as llama.cpp computes them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tonewright.errors import BadInput
from tonewright.models.engine import Engine, decode, library
from tonewright.models.gguf_header import read_header

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class States(Engine):
    """The states after some of the `layers`, counted from 1; those above the last of them are not run.

    `length` is the most tokens of a text. With `adapter`, the states are those of the base with it. Raises `Missing` or
    `BadInput` when it cannot be loaded.
    """

    def __init__(
        self, gguf: Path, layers: Iterable[int], *, length: int, adapter: Path | None = None, threads: int | None = None
    ) -> None:
        llama_cpp = library()
        self._wanted = {b"l_out-%d" % (layer - 1): layer for layer in layers}
        self._last = max(self._wanted.values())
        self._seen: dict[int, NDArray[np.float32]] = {}
        # Its own context stays small and unused: it cannot be told to show what it computes.
        super().__init__(gguf, threads=threads, n_ctx=8, lora_path=str(adapter) if adapter else None)
        self._watch = llama_cpp.ggml_backend_sched_eval_callback(self._look)  # C code holds this pointer
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = self.length = length
        params.n_threads, params.n_threads_batch = self._llama.n_threads, self._llama.context_params.n_threads_batch
        params.cb_eval = self._watch
        self._context = llama_cpp.llama_init_from_model(self._llama.model, params)
        if not self._context or (adapter and not self._adapted()):
            self.close()
            raise BadInput(f"llama.cpp cannot look into {gguf}", "name another base, or close other programs")

    def close(self) -> None:
        """Free the context and the model."""
        import llama_cpp

        if getattr(self, "_context", None):
            llama_cpp.llama_free(self._context)
            self._context = None
        super().close()

    def read(self, ids: list[int]) -> dict[int, NDArray[np.float32]]:
        """{layer: states of the tokens, shape (tokens, the model's width)}."""
        import llama_cpp

        self._seen = {}
        llama_cpp.llama_memory_seq_rm(llama_cpp.llama_get_memory(self._context), -1, 0, -1)
        decode(self._context, ids, 0, keep=0)
        if len(self._seen) < len(self._wanted):
            raise BadInput(f"llama.cpp shows no layer {self._last} of this model", "name another base")
        return {layer: flat.reshape(len(ids), -1) for layer, flat in self._seen.items()}

    def _adapted(self) -> bool:
        import llama_cpp

        adapters = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(self._llama._lora_adapter)
        return not llama_cpp.llama_set_adapters_lora(self._context, adapters, 1, (ctypes.c_float * 1)(1.0))

    def _look(self, tensor: int, ask: bool, _: object) -> bool:
        """Called for every step of the computation: asked first, then with the result of a step that we wanted.

        Answering False to a result ends the computation.
        """
        ggml = _ggml()
        layer = self._wanted.get(ggml.ggml_get_name(tensor))
        if ask or layer is None:
            return layer is not None
        self._seen[layer] = _copied(ggml, tensor)
        return layer != self._last


def layers_of(gguf: Path) -> int:
    """How many layers a language model has. Raises `BadInput` for a file that does not say."""
    header = read_header(gguf)
    with suppress(KeyError, TypeError, ValueError):
        return int(header[f"{header['general.architecture']}.block_count"])
    raise BadInput(f"{gguf} does not say how many layers it has", "give a language model, not an adapter")


@cache
def _ggml() -> Any:
    """The library below llama.cpp, with the types of the three functions that are called here."""
    from llama_cpp._ggml import libggml  # its only door to tensors

    libggml.ggml_get_name.restype, libggml.ggml_get_name.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
    libggml.ggml_nbytes.restype, libggml.ggml_nbytes.argtypes = ctypes.c_size_t, [ctypes.c_void_p]
    libggml.ggml_backend_tensor_get.restype = None
    libggml.ggml_backend_tensor_get.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t]
    return libggml


def _copied(ggml: Any, tensor: int) -> NDArray[np.float32]:
    import numpy as np

    size = ggml.ggml_nbytes(tensor)
    copy = np.empty(size // 4, dtype=np.float32)
    ggml.ggml_backend_tensor_get(tensor, copy.ctypes.data, 0, size)
    return copy
