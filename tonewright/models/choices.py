"""Ask a GGUF which of a few answers it finds likeliest, after prompts that all begin alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tonewright.models.chat import ChatFormat, Message, answer_start
from tonewright.models.engine import Engine, copy_logits, decode, run_batch
from tonewright.models.likelihood import token_nll

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Choices(Engine):
    """A GGUF that scores a closed set of answers.

    Keys and values of the beginning that a prompt shares with the one before it stay in the cache, so instructions
    and examples are evaluated once. The answers then branch off the prompt as sequences of their own, which share its
    cells of the cache, and are evaluated together. `evaluated` counts the tokens that were run.
    """

    def __init__(self, gguf: Path, *, n_ctx: int = 2048, threads: int | None = None) -> None:
        import llama_cpp

        # `embedding` is llama-cpp-python's only way to more than one sequence; the mode itself is taken back at once.
        super().__init__(
            gguf, threads=threads, n_ctx=n_ctx, n_batch=512, embedding=True,
            pooling_type=llama_cpp.LLAMA_POOLING_TYPE_NONE,
        )  # fmt: skip
        llama_cpp.llama_set_embeddings(self._llama.ctx, False)
        self._format = ChatFormat.of(gguf)
        self._held: list[int] = []  # ids whose keys and values the cache holds
        self.evaluated = 0

    def prompt(self, messages: Sequence[Message]) -> str:
        """`messages` as this model is used to see them."""
        return self._format.prompt(messages)

    def forget(self) -> None:
        """Evaluate the next prompt from its first token."""
        self._held = []

    def score(self, messages: Sequence[Message], answers: Sequence[str]) -> NDArray[np.float64]:
        """The mean log-likelihood per token of each answer to `messages`, in nats; shape (answers,).

        log P(answer | prompt) / tokens of the answer, its end left out: a long name must not lose for its length.
        Raises `BadInput` when the prompt does not fit the window.
        """
        import llama_cpp
        import numpy as np

        prompt = self.tokenize(self.prompt(messages))
        targets = [self.tokenize(answer) for answer in answers]
        self.checked(prompt, room=sum(map(len, targets)))
        context, width = self._llama.ctx, self._llama.n_vocab()
        first = self._after(prompt)
        cost = np.array([token_nll(first, target[:1])[0] for target in targets])
        branches = [(i, target) for i, target in enumerate(targets) if len(target) > 1]
        memory = llama_cpp.llama_get_memory(context)
        tokens, wanted, owner = [], [], []
        for sequence, (i, target) in enumerate(branches, start=1):
            llama_cpp.llama_memory_seq_cp(memory, 0, sequence, -1, -1)
            tokens += [(token, len(prompt) + at, sequence) for at, token in enumerate(target[:-1])]
            wanted += target[1:]
            owner += [i] * (len(target) - 1)
        if tokens:
            run_batch(context, tokens, keep=len(tokens))
            self.evaluated += len(tokens)
            np.add.at(cost, owner, token_nll(copy_logits(context, len(tokens), width), wanted))
        for sequence in range(1, len(branches) + 1):
            llama_cpp.llama_memory_seq_rm(memory, sequence, -1, -1)
        scores: NDArray[np.float64] = -cost / [len(target) for target in targets]
        return scores

    def _after(self, prompt: list[int]) -> NDArray[np.float32]:
        """The logits after the prompt, shape (1, vocabulary); only what the cache does not hold is evaluated."""
        import llama_cpp

        context, size = self._llama.ctx, self._llama.n_batch
        done = min(answer_start(self._held, prompt), len(prompt) - 1)
        self._held = []  # should the run fail, nothing in the cache is to be trusted
        llama_cpp.llama_memory_seq_rm(llama_cpp.llama_get_memory(context), 0, done, -1)
        for begin in range(done, len(prompt), size):
            decode(context, prompt[begin : begin + size], begin, keep=int(begin + size >= len(prompt)))
        self.evaluated += len(prompt) - done
        self._held = prompt
        return copy_logits(context, 1, self._llama.n_vocab())
