"""The process that holds a model for the server: what brings llama.cpp down there takes no other answer with it.

python -m tonewright.serving.child write WINDOW PLACES BASE [ADAPTER]
python -m tonewright.serving.child embed BASE

It reads one JSON object per line, {"job": number, ...} or {"cancel": number}, and answers in the same way; it ends
when there is nobody to read from any more.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

from tonewright.errors import BadInput, TonewrightError

TOO_LONG, INVALID, BROKEN = "context_length_exceeded", "invalid_value", "model_failed"


class Work(Protocol):
    """What is done with a model, a step at a time."""

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        ...

    def ask(self, job: int, request: dict[str, Any]) -> None:
        """Queue a job. Raises `BadInput`."""
        ...

    def cancel(self, job: int) -> None:
        """Do no more of it."""
        ...

    def step(self) -> list[dict[str, Any]]:
        """Do a little; returns what there is to tell."""
        ...


class Writing:
    """Answers, several at once."""

    def __init__(self, stack: ExitStack, window: str, places: str, base: str, adapter: str = "") -> None:
        from tonewright.serving.batch import Batch

        trained = Path(adapter) if adapter else None
        self._batch = stack.enter_context(Batch(Path(base), trained, window=int(window), places=int(places)))

    @property
    def busy(self) -> bool:
        """Whether an answer is under way."""
        return self._batch.busy

    def ask(self, job: int, request: dict[str, Any]) -> None:
        """`prompt` is messages or text; `most`, `stop` and `wish` are those of `Batch.add`."""
        from tonewright.serving.sampling import Wish

        wish = Wish(**request["wish"])
        self._batch.add(job, request["prompt"], most=request["most"], stop=request["stop"], wish=wish)

    def cancel(self, job: int) -> None:
        """Write no more of it."""
        self._batch.cancel(job)

    def step(self) -> list[dict[str, Any]]:
        """Some tokens."""
        told = [said._asdict() for said in self._batch.step()]
        return [{**one, "code": BROKEN} if one["wrong"] else one for one in told]


class Embedding:
    """Vectors, a text at a time."""

    def __init__(self, stack: ExitStack, base: str) -> None:
        from tonewright.models.embedder import Embedder

        self._embedder = stack.enter_context(Embedder(Path(base)))
        self._waiting: deque[tuple[int, str, int]] = deque()

    @property
    def busy(self) -> bool:
        """Whether a text waits."""
        return bool(self._waiting)

    def ask(self, job: int, request: dict[str, Any]) -> None:
        """`text` is to become a vector; unlike the tagger's, it is not cut off at the end of the window."""
        from tonewright.models.embedder import LENGTH
        from tonewright.serving.batch import TooLong

        tokens = len(self._embedder.tokenize(request["text"]))
        if tokens > LENGTH:
            raise TooLong(f"the text is {tokens} tokens long, and {LENGTH} are the most for a vector", "cut it")
        self._waiting.append((job, request["text"], tokens))

    def cancel(self, job: int) -> None:
        """Leave it out."""
        self._waiting = deque(waiting for waiting in self._waiting if waiting[0] != job)

    def step(self) -> list[dict[str, Any]]:
        """One vector."""
        job, text, tokens = self._waiting.popleft()
        vector = [float(value) for value in self._embedder.embed([text])[0]]
        return [{"job": job, "vector": vector, "prompt": tokens, "end": "stop"}]


KINDS = {"write": Writing, "embed": Embedding}


def main(argv: Sequence[str]) -> int:
    """Load the model, say so, and work until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C is the server's to answer
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints must not get in between

    def tell(records: Iterable[dict[str, Any]]) -> None:
        out.writelines(json.dumps(record) + "\n" for record in records)
        out.flush()

    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    with ExitStack() as stack:
        try:
            work: Work = KINDS[argv[0]](stack, *argv[1:])
        except TonewrightError as e:
            tell([{"failed": str(e)}])
            return 1
        tell([{"ready": True}])
        while True:
            tell(_refusals(work, arrived := _arrived(lines, wait=not work.busy)))
            if "" in arrived:
                return 0
            if work.busy:
                tell(work.step())


def _listen(lines: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        lines.put(line)
    lines.put("")


def _arrived(lines: queue.SimpleQueue[str], *, wait: bool) -> list[str]:
    found = [lines.get()] if wait else []
    while not lines.empty():
        found.append(lines.get())
    return found


def _refusals(work: Work, lines: Iterable[str]) -> list[dict[str, Any]]:
    """Hand the lines on; what cannot be done is told at once."""
    from tonewright.serving.batch import TooLong

    wrong = []
    for line in filter(None, lines):
        request = json.loads(line)
        if "cancel" in request:
            work.cancel(request["cancel"])
            continue
        try:
            work.ask(request["job"], request)
        except BadInput as e:
            code = TOO_LONG if isinstance(e, TooLong) else INVALID
            wrong.append({"job": request["job"], "wrong": str(e), "code": code})
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
