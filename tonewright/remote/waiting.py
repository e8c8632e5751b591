"""Waits for work that may hang for ever: on a thread that can be left behind.

A frozen peer answers nothing, and not every call into an SSH library has a time limit. So each such call runs
on a thread of its own, and the caller stops waiting when there was no sign of life for too long.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

TICK = 0.2  # seconds between two looks at the progress


class Silent(Exception):
    """There was no sign of life for too long; what the work did is unknown."""


@dataclass
class Pulse:
    """The work's signs of life: how many bytes are done, and when that was last said."""

    done: int = 0
    at: float = field(default_factory=time.monotonic)

    def beat(self, done: int) -> None:
        """Say that the work goes on, with `done` bytes over there by now."""
        self.done = done
        self.at = time.monotonic()


def bounded(work: Callable[[Pulse], T], seconds: float, on_done: Callable[[int], None] | None = None) -> T:
    """The result of `work`; raises what it raises, and `Silent` after `seconds` without a beat of its pulse.

    `on_done` is called here, in the caller's thread, whenever `work` said that more bytes are done.
    """
    pulse = Pulse()
    future: Future[T] = Future()

    def body() -> None:
        try:
            future.set_result(work(pulse))
        except BaseException as e:
            future.set_exception(e)

    Thread(target=body, daemon=True).start()
    said = 0
    while True:
        finished = bool(wait([future], timeout=TICK).done)
        if on_done and pulse.done != said:
            said = pulse.done
            on_done(said)
        if finished:
            return future.result()
        if time.monotonic() - pulse.at > seconds:
            raise Silent(f"no sign of life for {seconds:.0f} s")
