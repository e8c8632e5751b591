"""Text to vectors: what a GGUF language model makes of a text halfway through its layers.

How something is said stands out best in the middle of a model; its last layers are about the next word. On two cores,
stopping there saves two fifths of the time as well.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
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

DEPTH = 0.6  # of the layers; on examples/tones.jsonl, from 0.2 to 1.0 in steps of a fifteenth, the best
LENGTH = 512  # tokens of a text that are read
VERSION = "middle-2"  # another one: vectors that were kept are of no use


class Embedder(Engine):
    """The states of a text's tokens after `DEPTH` of the layers: that of the last one beside the mean of all.

    `width` is twice that of the model. The first token is left out of the mean of longer texts: models park attention
    there, and its state is the same, and a hundred times as large, in every text.
    """

    def __init__(self, gguf: Path, *, threads: int | None = None) -> None:
        llama_cpp = library()
        self._layer = max(1, round(DEPTH * _layers(gguf)))
        self._states: NDArray[np.float32] | None = None
        super().__init__(gguf, threads=threads, n_ctx=8)  # its own context is not used
        self._watch = llama_cpp.ggml_backend_sched_eval_callback(self._seen)  # C code holds this pointer
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = LENGTH
        params.n_threads, params.n_threads_batch = self._llama.n_threads, self._llama.context_params.n_threads_batch
        params.cb_eval = self._watch
        self._context = llama_cpp.llama_init_from_model(self._llama.model, params)
        if not self._context:
            self.close()
            raise BadInput(f"llama.cpp cannot embed with {gguf}", "name another base, or close other programs")
        self.width = 2 * self._llama.n_embd()

    def close(self) -> None:
        """Free the context and the model."""
        import llama_cpp

        if getattr(self, "_context", None):
            llama_cpp.llama_free(self._context)
            self._context = None
        super().close()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row of length 1 per text, shape (n, width); tokens beyond `LENGTH` are cut off."""
        import numpy as np

        rows = np.zeros((len(texts), self.width), dtype=np.float32)
        for row, text in zip(rows, texts):
            states = self._run(self.tokenize(text or " ")[:LENGTH])
            row[:] = np.concatenate([_unit(states[-1]), _unit(states[min(1, len(states) - 1) :].mean(axis=0))])
            row /= np.linalg.norm(row)
        return rows

    def _run(self, ids: list[int]) -> NDArray[np.float32]:
        """The states of the tokens, shape (tokens, model's width)."""
        import llama_cpp

        self._states = None
        llama_cpp.llama_memory_seq_rm(llama_cpp.llama_get_memory(self._context), -1, 0, -1)
        decode(self._context, ids, 0, keep=0)
        if self._states is None:
            raise BadInput(f"llama.cpp shows no layer {self._layer} of this model", "name another base")
        return self._states.reshape(len(ids), -1)

    def _seen(self, tensor: int, ask: bool, _: object) -> bool:
        """Called for every step of the computation: asked first, then with the result of the step that we wanted.

        Answering False to a result ends the computation: the layers above are of no use to us.
        """
        ggml = _ggml()
        if ask:
            return bool(ggml.ggml_get_name(tensor) == b"l_out-%d" % (self._layer - 1))
        self._states = _copied(ggml, tensor)
        return False


def _layers(gguf: Path) -> int:
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


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    unit: NDArray[np.float32] = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return unit
