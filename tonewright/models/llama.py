"""The only module that knows llama.cpp: generate, score and embed with a GGUF in this process.

Nothing here is thread-safe: one `LocalModel` or `Embedder` belongs to one thread at a time. Several objects
in several threads are fine; opening and closing them is serialised here, since the library redirects the
process's output streams meanwhile.
"""

from __future__ import annotations

import codecs
import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tonewright.errors import BadInput, Missing
from tonewright.models.chat import ChatFormat, Message, answer_start
from tonewright.models.gguf_header import read_header
from tonewright.models.likelihood import token_nll
from tonewright.models.stopping import cut_at

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_opening = threading.Lock()
_said: deque[str] = deque(maxlen=5)  # llama.cpp's last warnings and errors, for our own messages
_log_callback: Any = None  # C code holds this pointer: it must never be collected

# Positions whose logits are fetched in one go: 256 rows of a 50,000-word vocabulary are 50 MB.
_ROWS = 256


class Score(NamedTuple):
    """What a target costs: `nll`, the negative log-likelihood summed over its `tokens` tokens, in nats."""

    nll: float
    tokens: int


_E = TypeVar("_E", bound="_Engine")


class _Engine:
    """A loaded GGUF with its C log silenced; the base of `LocalModel` and `Embedder`."""

    def __init__(self, gguf: Path, **options: Any) -> None:
        read_header(gguf)
        llama_cpp = library()
        with _opening:
            _said.clear()
            try:
                self._llama = llama_cpp.Llama(str(gguf), n_gpu_layers=-1, verbose=False, **options)
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


class LocalModel(_Engine):
    """A GGUF base, with an adapter if given, that answers, and says how likely it finds an answer.

    `n_ctx` is the window in tokens, `adapter_scale` the strength of the adapter (1.0 as trained), `threads`
    the number of CPU threads (default: all cores). Raises `Missing` or `BadInput` when it cannot be loaded.
    """

    def __init__(
        self,
        gguf: Path,
        adapter: Path | None = None,
        *,
        n_ctx: int = 2048,
        adapter_scale: float = 1.0,
        threads: int | None = None,
    ) -> None:
        if adapter is not None:
            _check_adapter(gguf, adapter)
        threads = threads or os.cpu_count()
        super().__init__(
            gguf,
            lora_path=str(adapter) if adapter else None,
            lora_scale=adapter_scale,
            n_ctx=n_ctx,
            n_threads=threads,
            n_threads_batch=threads,
        )
        self._format = ChatFormat.of(gguf)
        self._scored: list[int] = []  # ids whose keys and values the cache holds after `score`

    def generate(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        stop: Sequence[str] = (),
    ) -> str:
        """The assistant's answer to `messages`; at temperature 0 always the likeliest token.

        Ends at the model's end token, before the first of `stop`, or after `max_tokens`. The keys and
        values of a prompt prefix shared with the previous call are reused. Raises `BadInput` when the
        prompt fills the window.
        """
        return "".join(self.stream(messages, max_tokens=max_tokens, temperature=temperature, seed=seed, stop=stop))

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        stop: Sequence[str] = (),
    ) -> Iterator[str]:
        """Like `generate`, piece by piece; no piece holds half a character or the start of a stop string."""
        prompt = self._checked(self.tokenize(self._format.prompt(messages)), room=1)
        yield from cut_at(self._pieces(prompt, max_tokens, temperature, seed), stop)

    def score(self, messages: Sequence[Message], target: str) -> Score:
        """The cost of `target`, end token included, as the assistant's answer to `messages`.

        Given the prompt's tokens p and the target's t_1..t_n: nll = -sum_i log P(t_i | p, t_1..t_{i-1}).
        Raises `BadInput` when prompt and target do not fit the window.
        """
        prompt = self.tokenize(self._format.prompt(messages))
        whole = self._checked(
            self.tokenize(self._format.conversation([*messages, {"role": "assistant", "content": target}]))
        )
        start = answer_start(prompt, whole)
        nll = 0.0
        for first, rows in self._rows(whole[:-1], start - 1, reuse=True):
            nll += float(token_nll(rows, whole[first + 1 : first + 1 + len(rows)]).sum())
        return Score(nll, len(whole) - start)

    def logits(self, token_ids: Sequence[int]) -> NDArray[np.float32]:
        """The next-token logits after each of `token_ids`, computed afresh; shape (n, vocabulary)."""
        import numpy as np

        return np.concatenate([rows for _, rows in self._rows(self._checked(list(token_ids)), 0, reuse=False)])

    def _checked(self, ids: list[int], room: int = 0) -> list[int]:
        if len(ids) + room > self._llama.n_ctx():
            raise BadInput(
                f"the text is {len(ids)} tokens long and the window is {self._llama.n_ctx()}",
                "shorten the text or raise n_ctx",
            )
        return ids

    def _pieces(self, prompt: list[int], max_tokens: int, temperature: float, seed: int) -> Iterator[str]:
        """Decoded text, token by token; an unfinished character waits for its rest, or is dropped."""
        import llama_cpp

        self._scored = []
        vocab = llama_cpp.llama_model_get_vocab(self._llama.model)
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._llama.set_seed(seed)
        previous = prompt[-1:]
        room = min(max_tokens, self._llama.n_ctx() - len(prompt))
        for count, token in enumerate(self._llama.generate(prompt, temp=temperature), start=1):
            if room < 1 or llama_cpp.llama_vocab_is_eog(vocab, token):
                break
            yield decoder.decode(self._llama.detokenize([token], prev_tokens=previous))
            previous = [token]
            if count >= room:
                break

    def _rows(self, ids: list[int], first: int, *, reuse: bool) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Run `ids` and yield (position, logits of a run of positions from there), from position `first` on.

        With `reuse`, keys and values of a prefix shared with the last scored ids are kept.
        """
        import llama_cpp

        context, width = self._llama.ctx, self._llama.n_vocab()
        memory = llama_cpp.llama_get_memory(context)
        done = min(answer_start(self._scored, ids), first) if reuse else 0
        self._llama.reset()  # `generate` must not trust what it left in the cache
        self._scored = []
        llama_cpp.llama_memory_seq_rm(memory, -1, done, -1)
        bounds = [*range(done, first, self._llama.n_batch), *range(first, len(ids), _ROWS), len(ids)]
        for begin, end in pairwise(bounds):
            _decode(context, ids[begin:end], begin, want=begin >= first)
            if begin >= first:
                yield begin, _copy_logits(context, end - begin, width)
        self._scored = ids


class Embedder(_Engine):
    """Text to vectors: the hidden state of the last token of a GGUF language model."""

    def __init__(self, gguf: Path, *, n_ctx: int = 512, threads: int | None = None) -> None:
        llama_cpp = library()
        threads = threads or os.cpu_count()
        super().__init__(
            gguf,
            embedding=True,
            pooling_type=llama_cpp.LLAMA_POOLING_TYPE_LAST,
            n_ctx=n_ctx,
            n_batch=n_ctx,
            n_ubatch=n_ctx,  # LAST pooling needs a text's tokens in one piece
            n_threads=threads,
            n_threads_batch=threads,
        )

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One L2-normalised row per text, shape (n, width); tokens beyond the window are cut off."""
        import numpy as np

        rows = [self._llama.embed(text or " ", normalize=True) for text in texts]
        return np.asarray(rows, dtype=np.float32).reshape(len(rows), self._llama.n_embd())


def library() -> Any:
    """llama_cpp, imported once and with its C log silenced."""
    global _log_callback
    # Threads that wait by spinning make everything several times as slow once other work runs beside us.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
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


def _check_adapter(gguf: Path, adapter: Path) -> None:
    """Refuse what llama.cpp would take for an adapter without a word, a whole model among it."""
    meta, base = read_header(adapter), read_header(gguf)
    if meta.get("adapter.type") != "lora":
        raise BadInput(f"{adapter} is not a LoRA adapter", "give the adapter.gguf of a training run")
    if meta.get("general.architecture") != base.get("general.architecture"):
        raise BadInput(
            f"{adapter} is made for {meta.get('general.architecture')} models and {gguf} is not one",
            "use the base that it was trained on",
        )


def _decode(context: Any, ids: Sequence[int], start: int, *, want: bool) -> None:
    """Feed `ids` at positions from `start`; keep logits of all of them if `want`."""
    import llama_cpp

    batch = llama_cpp.llama_batch_init(len(ids), 0, 1)
    try:
        batch.n_tokens = len(ids)
        for i, token in enumerate(ids):
            batch.token[i], batch.pos[i], batch.logits[i] = token, start + i, want
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
        status = llama_cpp.llama_decode(context, batch)
    finally:
        llama_cpp.llama_batch_free(batch)
    if status != 0:
        raise BadInput(f"llama.cpp could not run {len(ids)} tokens (status {status}; {'; '.join(_said)})")


def _copy_logits(context: Any, rows: int, width: int) -> NDArray[np.float32]:
    import llama_cpp
    import numpy as np

    flat = np.ctypeslib.as_array(llama_cpp.llama_get_logits(context), shape=(rows * width,))
    copy: NDArray[np.float32] = flat.copy().reshape(rows, width)
    return copy
