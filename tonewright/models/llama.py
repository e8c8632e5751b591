"""Generate and score text with a GGUF in this process."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tonewright.errors import BadInput
from tonewright.models.chat import ChatFormat, Message, answer_start
from tonewright.models.engine import Engine, copy_logits, decode
from tonewright.models.gguf_header import read_header
from tonewright.models.likelihood import token_nll
from tonewright.models.stopping import cut_at

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Positions whose logits are fetched in one go: 256 rows of a 50,000-word vocabulary are 50 MB.
_ROWS = 256


class Score(NamedTuple):
    """What a target costs: `nll`, the negative log-likelihood summed over its `tokens` tokens, in nats."""

    nll: float
    tokens: int


class LocalModel(Engine):
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
        super().__init__(
            gguf,
            threads=threads,
            lora_path=str(adapter) if adapter else None,
            lora_scale=adapter_scale,
            n_ctx=n_ctx,
        )
        self._format = ChatFormat.of(gguf)
        self._scored: list[int] = []  # ids whose keys and values the cache holds after `score`

    def steer(self, directions: Mapping[int, NDArray[np.float32]]) -> None:
        """From now on add `directions[layer]`, of the model's width, to every token's state after that layer.

        Layers are counted from 1; the first cannot be steered. Without directions, the model is what it was.
        """
        import ctypes

        import llama_cpp
        import numpy as np

        context, width = self._llama.ctx, self._llama.n_embd()
        self._forget()  # what it has read, it has read in another mood
        if not directions:
            llama_cpp.llama_set_adapter_cvec(context, None, 0, width, 0, 0)
            return
        pushed = np.zeros((max(directions) - 1, width), dtype=np.float32)  # row 0 is the second layer's
        for layer, direction in directions.items():
            pushed[layer - 2] = direction
        data = pushed.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        first, last = min(directions) - 1, max(directions) - 1
        if llama_cpp.llama_set_adapter_cvec(context, data, pushed.size, width, first, last):
            raise BadInput("llama.cpp does not take the control vector", "derive it from the model that it is used on")

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
        prompt = self.checked(self.tokenize(self._format.prompt(messages)), room=1)
        yield from cut_at(self._pieces(prompt, max_tokens, temperature, seed), stop)

    def score(self, messages: Sequence[Message], target: str) -> Score:
        """The cost of `target`, end token included, as the assistant's answer to `messages`.

        Given the prompt's tokens p and the target's t_1..t_n: nll = -sum_i log P(t_i | p, t_1..t_{i-1}).
        Raises `BadInput` when prompt and target do not fit the window.
        """
        prompt = self.tokenize(self._format.prompt(messages))
        whole = self.checked(
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

        return np.concatenate([rows for _, rows in self._rows(self.checked(list(token_ids)), 0, reuse=False)])

    def _forget(self) -> None:
        """Drop every key and value that the cache holds."""
        import llama_cpp

        self._llama.reset()
        self._scored = []
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._llama.ctx), True)

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
            decode(context, ids[begin:end], begin, keep=end - begin if begin >= first else 0)
            if begin >= first:
                yield begin, copy_logits(context, end - begin, width)
        self._scored = ids


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
