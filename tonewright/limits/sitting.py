"""One combination at work, in a process of its own: how fast it is, what it takes, what it costs and what it answers.

python -m tonewright.limits.sitting reads what is asked as one line of JSON and answers in lines of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tonewright import prompts
from tonewright.errors import TonewrightError
from tonewright.gate.intervals import Counted
from tonewright.gate.loss import Way, loss
from tonewright.gate.systems import Item
from tonewright.models.engine import copy_logits, decode
from tonewright.models.llama import LocalModel

TOKENS = 32
# The same for every model, so that only the model differs.
_PASSAGE = (
    "The bus to the coast leaves at seven and comes back at nine in the evening. It stops twice. There is a kiosk at "
    "the first stop, which sells coffee and yesterday's newspaper, and nothing at all at the second. Most people who "
    "take it are on their way to work at the harbour; on Sundays they are on their way to the beach. The driver has "
    "been the same man for eleven years. He knows who gets on where, and waits for those who are late, up to a point."
)


class Paced(LocalModel):
    """A model that can be timed."""

    def pace(self) -> tuple[float, float]:
        """(seconds to the first token of an answer to a fixed request, tokens per second from there on).

        The likeliest token is taken `TOKENS` times, an end token like any other, so that every model writes as much.
        """
        import llama_cpp

        ids = self.tokenize(self._format.prompt(prompts.rewrite(_PASSAGE, None)))
        context, width, step = self._llama.ctx, self._llama.n_vocab(), self._llama.n_batch
        self._llama.reset()
        self._scored = []
        llama_cpp.llama_memory_seq_rm(llama_cpp.llama_get_memory(context), -1, 0, -1)
        begun = time.perf_counter()
        for first in range(0, len(ids), step):
            decode(context, ids[first : first + step], first, keep=1)
        token = int(copy_logits(context, 1, width).argmax())
        spoke = time.perf_counter()
        for number in range(TOKENS):
            decode(context, [token], len(ids) + number, keep=1)
            token = int(copy_logits(context, 1, width).argmax())
        return spoke - begun, TOKENS / (time.perf_counter() - spoke)


def main() -> int:
    """The child: lines with `told` on the way, then one with the result, or with `failed` and why."""
    asked = json.loads(sys.stdin.readline())
    adapter = Path(asked["adapter"]) if asked["adapter"] else None
    try:
        with Paced(Path(asked["gguf"]), adapter) as model:
            model.pace()  # reads the file from the disk
            times, memory = [model.pace()], peak_memory()
            items = [Item(**item) for item in asked["items"]]
            cost, way = _read(model, items, asked["examples"])
            times.append(model.pace())  # at three moments: other work on the machine comes and goes
            answers = _answer(model, items[: asked["aloud"]], way)
            times.append(model.pace())
    except TonewrightError as e:
        say(failed=str(e))
        return 0
    first_token, pace = zip(*times)
    say(first_token=first_token, pace=pace, memory=memory, loss=cost, answers=answers)
    return 0


def _read(model: LocalModel, items: Sequence[Item], examples: Sequence[Any]) -> tuple[Counted, Way]:
    """What the author's words cost, and the way of asking under which they cost least: examples help a bare base."""
    ways: list[Way] = [list]
    if examples:
        ways.append(lambda request: prompts.few_shot(request, examples))
    tried = []
    for way in ways:
        say(told=f"reading {len(items)} passages")
        tried.append((loss(model, items, way), way))
    return min(tried, key=lambda found: found[0].figure)


def _answer(model: LocalModel, items: Sequence[Item], way: Way) -> list[str]:
    answers = []
    for number, item in enumerate(items, 1):
        say(told=f"answering {number} of {len(items)}")
        answers.append(model.generate(way(item.request), max_tokens=prompts.room_for(item.source_text)).strip())
    return answers


def peak_memory() -> int:
    """Bytes of memory that this process held at its peak, the mapped file's pages among them.

    Where the kernel tells it of this program alone: the general figure is inherited from whoever started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def say(**record: Any) -> None:
    """One line for whoever listens."""
    print(json.dumps(record), flush=True)  # noqa: T201 - what the parent reads


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (KeyboardInterrupt, BrokenPipeError):  # whoever listened is gone
        sys.exit(130)
