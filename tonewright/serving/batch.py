"""Several answers from one model at once: a sequence each, evaluated together, step by step.

A step feeds at most `CHUNK` tokens, those of answers under way first and then a piece of each new prompt, so that
nobody waits for somebody else's long prompt, and a cancelled one ends within a step. Each sequence has cells of its
own in the cache, so an answer never pays for what others left there.
"""

from __future__ import annotations

import codecs
import ctypes
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tonewright.errors import BadInput, TonewrightError
from tonewright.models.chat import ChatFormat, Message, answer_start
from tonewright.models.engine import Engine, library, run_batch
from tonewright.models.stopping import Cutter
from tonewright.serving.sampling import Sampler, Wish
from tonewright.serving.shelf import Shelf

CHUNK = 128  # tokens in a step: reading a prompt 512 at a time is hardly faster on two cores, and a cancel waits for it
WORTH = 32  # tokens: fewer are sooner evaluated than fetched from elsewhere

STOP, LENGTH = "stop", "length"


class Said(NamedTuple):
    """What came of a step for one answer: some text, or its end with a reason, or what was wrong with it."""

    job: int
    text: str = ""
    end: str = ""
    prompt: int = 0  # tokens of the prompt,
    cached: int = 0  # of which so many were not evaluated,
    tokens: int = 0  # and of the answer
    wrong: str = ""


@dataclass
class Job:
    """One answer to be written after `prompt`, of at most `most` tokens."""

    id: int
    prompt: list[int]
    most: int
    sampler: Sampler
    cutter: Cutter
    cached: int = 0
    tokens: int = 0
    next: int | None = None  # the token to be fed, once the prompt is done
    decoder: Any = field(default_factory=lambda: codecs.getincrementaldecoder("utf-8")(errors="replace"))


@dataclass
class Place:
    """A sequence of the cache: the ids whose keys and values it holds, and who uses it."""

    number: int
    held: list[int] = field(default_factory=list)
    job: Job | None = None
    used: int = 0  # the step in which it was taken last

    @property
    def reading(self) -> bool:
        """Whether a prompt is being evaluated here."""
        return self.job is not None and self.job.next is None


class Batch(Engine):
    """A GGUF, with an adapter if given, that writes up to `places` answers of `window` tokens at once.

    Raises `Missing` or `BadInput` when it cannot be loaded.
    """

    def __init__(
        self, gguf: Path, adapter: Path | None = None, *, window: int = 2048, places: int = 4,
        threads: int | None = None,
    ) -> None:  # fmt: skip
        llama_cpp = library()
        lora = str(adapter) if adapter else None
        super().__init__(gguf, threads=threads, n_ctx=8, lora_path=lora)  # its own context is not used
        params = llama_cpp.llama_context_default_params()
        params.n_ctx, params.n_seq_max, params.kv_unified = window * places, places, False
        params.n_batch = params.n_ubatch = CHUNK + places
        params.n_threads, params.n_threads_batch = self._llama.n_threads, self._llama.context_params.n_threads_batch
        self._context = llama_cpp.llama_init_from_model(self._llama.model, params)
        if not self._context:
            self.close()
            raise BadInput(f"llama.cpp cannot open {places} windows of {window} tokens", "lower serve.at_once")
        if adapter is not None:
            adapters = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(self._llama._lora_adapter)
            llama_cpp.llama_set_adapters_lora(self._context, adapters, 1, (ctypes.c_float * 1)(1.0))
        self.window = int(llama_cpp.llama_n_ctx_seq(self._context))
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._vocabulary = llama_cpp.llama_model_get_vocab(self._llama.model)
        self._format = ChatFormat.of(gguf)
        self._places = [Place(number) for number in range(places)]
        self._waiting: deque[Job] = deque()
        self._shelf = Shelf()
        self._step = 0

    def close(self) -> None:
        """Free contexts and model."""
        import llama_cpp

        for job in [*getattr(self, "_waiting", ()), *(p.job for p in getattr(self, "_places", ()) if p.job)]:
            job.sampler.close()
        if getattr(self, "_context", None):
            llama_cpp.llama_free(self._context)
            self._context = None
        super().close()

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._waiting) or any(place.job for place in self._places)

    def add(
        self, job: int, prompt: str | Sequence[Message], *, most: int | None, stop: Sequence[str], wish: Wish
    ) -> None:
        """Queue an answer to messages, or to plain text as it is, of at most `most` tokens (None: what fits).

        Raises `TooLong` for a prompt that fills the window and `BadInput` for a schema that cannot be kept.
        """
        if isinstance(prompt, str):
            begin = self._format.bos if self._format.add_bos else ""
            ids = self.tokenize(begin) + list(self._llama.tokenize(prompt.encode(), add_bos=False, special=False))
            ids = ids or self.tokenize(self._format.bos or self._format.eos)
        else:
            ids = self.tokenize(self._format.prompt(prompt))
        if len(ids) >= self.window:
            raise TooLong(f"the prompt is {len(ids)} tokens long and the window is {self.window}", "shorten it")
        room = self.window - len(ids)
        sampler = Sampler(self._llama, self._context, wish)
        self._waiting.append(Job(job, ids, room if most is None else min(most, room), sampler, Cutter(stop)))

    def cancel(self, job: int) -> None:
        """Write no more of this answer; unknown ones are ended already."""
        for waiting in [w for w in self._waiting if w.id == job]:
            self._waiting.remove(waiting)
            waiting.sampler.close()
        for place in self._places:
            if place.job and place.job.id == job:
                self._leave(place)

    def step(self) -> list[Said]:
        """Feed some tokens; returns what became of it."""
        self._step += 1
        self._admit()
        early, late, heard = self._tokens()
        if not heard and not early:
            return []
        try:
            run_batch(self._context, early + late, keep=len(late))
        except TonewrightError as e:
            return self._lost(str(e))
        for token, _, number in early + late:
            self._places[number].held.append(token)
        return [said for row, place in enumerate(heard, len(early)) for said in self._hear(place, row)]

    def _tokens(self) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]], list[Place]]:
        """(tokens of prompts, tokens after which something is said, the places of the latter)."""
        early, late, heard = [], [], []
        room = CHUNK
        for place in sorted((p for p in self._places if p.job), key=lambda p: (p.reading, p.used)):
            job = place.job
            assert job is not None
            at = len(place.held)
            piece = job.prompt[at : at + room] if job.next is None else [job.next]
            room -= len(piece) * place.reading
            triples = [(token, at + i, place.number) for i, token in enumerate(piece)]
            if triples and (job.next is not None or at + len(piece) == len(job.prompt)):
                late.append(triples.pop())
                heard.append(place)
            early += triples
        return early, late, heard

    def _hear(self, place: Place, row: int) -> list[Said]:
        """What the model says at `place`, and whether that is all."""
        import llama_cpp

        job = place.job
        assert job is not None
        token = job.sampler.sample(row)
        if llama_cpp.llama_vocab_is_eog(self._vocabulary, token):
            return self._end(place, STOP, job.cutter.held)
        job.tokens += 1
        piece = job.decoder.decode(self._llama.detokenize([token], prev_tokens=place.held[-1:]))
        certain = job.cutter.feed(piece)
        if job.cutter.ended:
            return self._end(place, STOP, certain)
        if job.tokens >= job.most:
            return self._end(place, LENGTH, certain + job.cutter.held)
        job.next = token
        return [Said(job.id, certain)] if certain else []

    def _end(self, place: Place, why: str, text: str) -> list[Said]:
        job = place.job
        assert job is not None
        self._leave(place)
        told = Said(job.id, end=why, prompt=len(job.prompt), cached=job.cached, tokens=job.tokens)
        return [Said(job.id, text), told] if text else [told]

    def _lost(self, why: str) -> list[Said]:
        """Nothing in the cache is to be trusted after a failure."""
        told = [Said(place.job.id, wrong=why) for place in self._places if place.job]
        for place in self._places:
            if place.job:
                self._leave(place)
            self._cut(place, 0)
        return told

    def _leave(self, place: Place) -> None:
        assert place.job is not None
        place.job.sampler.close()
        place.job = None

    def _admit(self) -> None:
        """Give free places to those who wait, first come first served.

        Who shares a beginning with a prompt that is being read right now waits for it to be read.
        """
        while self._waiting and (free := [p for p in self._places if p.job is None]):
            ids = self._waiting[0].prompt
            shared = {p.number: min(answer_start(p.held, ids), len(ids) - 1) for p in self._places}
            on_shelf, state = self._shelf.best(ids)
            there = max(*shared.values(), min(on_shelf, len(ids) - 1))
            if any(answer_start(p.job.prompt, ids) > there + WORTH for p in self._places if p.job and p.reading):
                return
            place = max(free, key=lambda p: (_lasting(p, shared[p.number]), -p.used))
            source = max(self._places, key=lambda p: shared[p.number])
            elsewhere = max(shared[source.number], on_shelf) > shared[place.number] + WORTH
            if elsewhere and shared[source.number] >= on_shelf:
                state = self._state(source)
            if len(place.held) > shared[place.number] + WORTH:
                self._shelf.put(place.held, self._state(place))
            if elsewhere and self._restore(place, state):
                self._cut(place, there, ids)
            else:
                self._cut(place, shared[place.number])
            place.job, place.used = self._waiting.popleft(), self._step
            place.job.cached = len(place.held)

    def _state(self, place: Place) -> Any:
        """A copy of what the cache holds at `place`."""
        import llama_cpp

        size = llama_cpp.llama_state_seq_get_size(self._context, place.number)
        state = (ctypes.c_uint8 * size)()
        llama_cpp.llama_state_seq_get_data(self._context, state, size, place.number)
        return state

    def _restore(self, place: Place, state: Any) -> bool:
        import llama_cpp

        self._cut(place, 0)
        return bool(llama_cpp.llama_state_seq_set_data(self._context, state, len(state), place.number))

    def _cut(self, place: Place, length: int, held: Sequence[int] | None = None) -> None:
        """Keep the first `length` cells at `place`, which hold `held` (None: what they held so far).

        Models that remember by a sliding window or a running state cannot go back a part of the way; they forget all.
        """
        import llama_cpp

        place.held = list(place.held if held is None else held)[:length]
        if not llama_cpp.llama_memory_seq_rm(self._memory, place.number, length, -1):
            llama_cpp.llama_memory_seq_rm(self._memory, place.number, -1, -1)
            place.held = []


class TooLong(BadInput):
    """A prompt that does not fit the window."""


def _lasting(place: Place, shared: int) -> int:
    """How much of what `place` holds would go on being of use; a short common beginning is not worth the rest."""
    return shared if 2 * shared >= len(place.held) else 0
