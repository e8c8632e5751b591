"""A GGUF opened by llama.cpp in this process: what everything that runs one has in common.

Nothing here is thread-safe: one `Engine` belongs to one thread at a time. Several objects in several threads are
fine; opening and closing them is serialised here, since the library redirects the process's output streams meanwhile.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tonewright.errors import BadInput, Missing
from tonewright.models.gguf_header import read_header
from tonewright.threads import calm_threads

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_opening = threading.Lock()
_said: deque[str] = deque(maxlen=5)  # llama.cpp's last warnings and errors, for our own messages
_log_callback: Any = None  # C code holds this pointer: it must never be collected

_E = TypeVar("_E", bound="Engine")


class Engine:
    """A loaded GGUF with its C log silenced; the base of `LocalModel`, `Embedder` and `Choices`.

    `options` are those of `llama_cpp.Llama`. Raises `Missing` or `BadInput` when the file cannot be loaded.
    """

    def __init__(self, gguf: Path, *, threads: int | None = None, **options: Any) -> None:
        read_header(gguf)
        llama_cpp = library()
        threads = threads or os.cpu_count()
        with _opening:
            _said.clear()
            try:
                self._llama = llama_cpp.Llama(
                    str(gguf), n_gpu_layers=-1, verbose=False, n_threads=threads, n_threads_batch=threads, **options
                )
            except (ValueError, RuntimeError) as e:
                reason = "; ".join(_said) or str(e)
                what = f"{options['lora_path']} on {gguf}" if options.get("lora_path") else str(gguf)
                raise BadInput(f"llama.cpp cannot load {what} ({reason})", "export or fetch the file again") from e

    def __enter__(self: _E) -> _E:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the model's memory now; at the interpreter's end the library is half gone."""
        with _opening:
            self._llama.close()

    def tokenize(self, text: str) -> list[int]:
        """The token ids of `text`: special tokens are parsed, none are added."""
        return list(self._llama.tokenize(text.encode(), add_bos=False, special=True))

    def checked(self, ids: list[int], room: int = 0) -> list[int]:
        """`ids`, if they and `room` more fit the window; `BadInput` otherwise."""
        if len(ids) + room > self._llama.n_ctx():
            raise BadInput(
                f"the text is {len(ids)} tokens long and the window is {self._llama.n_ctx()}",
                "shorten the text or raise n_ctx",
            )
        return ids


def library() -> Any:
    """llama_cpp, imported once and with its C log turned to `_said`."""
    global _log_callback
    calm_threads()
    try:
        import llama_cpp
    except ImportError as e:
        raise Missing("llama-cpp-python is not installed", "pip install 'tonewright[local]'") from e
    with _opening:
        if _log_callback is None:

            def keep(level: int, text: bytes, _data: object) -> None:
                if level in (3, 4):  # GGML_LOG_LEVEL_WARN and _ERROR
                    _said.append(text.decode("utf-8", "replace").strip())

            _log_callback = llama_cpp.llama_log_callback(keep)
            llama_cpp.llama_log_set(_log_callback, None)
    return llama_cpp


def decode(context: Any, ids: Sequence[int], start: int, *, keep: int) -> None:
    """Feed `ids` at positions from `start` of sequence 0; keep the logits of the last `keep` of them."""
    run_batch(context, [(token, start + i, 0) for i, token in enumerate(ids)], keep=keep)


def run_batch(context: Any, tokens: Sequence[tuple[int, int, int]], *, keep: int) -> None:
    """Feed (token, position, sequence) triples in one go; keep the logits of the last `keep` of them."""
    import llama_cpp

    batch = llama_cpp.llama_batch_init(len(tokens), 0, 1)
    try:
        batch.n_tokens = len(tokens)
        for i, (token, position, sequence) in enumerate(tokens):
            batch.token[i], batch.pos[i], batch.logits[i] = token, position, i >= len(tokens) - keep
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, sequence
        status = llama_cpp.llama_decode(context, batch)
    finally:
        llama_cpp.llama_batch_free(batch)
    if status != 0:
        raise BadInput(f"llama.cpp could not run {len(tokens)} tokens (status {status}; {'; '.join(_said)})")


def copy_logits(context: Any, rows: int, width: int) -> NDArray[np.float32]:
    """The logits that the last run kept, shape (rows, width)."""
    import llama_cpp
    import numpy as np

    flat = np.ctypeslib.as_array(llama_cpp.llama_get_logits(context), shape=(rows * width,))
    copy: NDArray[np.float32] = flat.copy().reshape(rows, width)
    return copy
