"""Our side of a process that holds a model: ask, hear, cancel, and notice when it is gone."""

from __future__ import annotations

import itertools
import json
import queue
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from typing import Any

from tonewright import process
from tonewright.errors import TonewrightError
from tonewright.serving.child import BROKEN

Event = dict[str, Any]
LOOK_SECONDS = 0.1  # how often we look whether the client is still there
END_SECONDS = 5.0


class Gone(Exception):
    """The client hung up: there is nobody to answer."""


class Runner:
    """A child process with a model; any number of threads may ask it at once."""

    def __init__(self, *words: str) -> None:
        self._child = process.converse([sys.executable, "-m", "tonewright.serving.child", *words])
        self._jobs: dict[int, tuple[int, queue.SimpleQueue[tuple[int, Event]]]] = {}
        self._numbers = itertools.count(1)
        self._guard = threading.Lock()
        self._end = ""  # why it is over
        self._loaded = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return not self._end

    def loaded(self) -> None:
        """Wait until the model is loaded. Raises `TonewrightError` when it cannot be."""
        self._loaded.wait()
        if self._end:
            raise TonewrightError(self._end)

    def close(self) -> None:
        """End the child; what it was doing is lost."""
        with self._guard:
            self._end = self._end or "the server is stopping"
        assert self._child.stdin is not None
        with suppress(OSError):  # it went first
            self._child.stdin.close()
        process.stop(self._child, END_SECONDS)

    def ask(self, requests: Sequence[Event], gone: Callable[[], bool]) -> Generator[tuple[int, Event], None, None]:
        """(number of the request, what the child tells of it), as it comes, until all have ended.

        The last word on a request has `end`, or `wrong` with a `code`. Leaving the iterator, in whatever way, cancels
        what is not finished. Raises `Gone` as soon as `gone` says so.
        """
        heard: queue.SimpleQueue[tuple[int, Event]] = queue.SimpleQueue()
        with self._guard:
            jobs = dict(zip(self._numbers, range(len(requests))))
            if not self._end:
                self._jobs.update({job: (number, heard) for job, number in jobs.items()})
        try:
            for job, number in jobs.items():
                if not self._send({"job": job, **requests[number]}):
                    heard.put((number, {"job": job, "wrong": self._end or "the model ended", "code": BROKEN}))
            open_jobs = set(jobs)
            while open_jobs:
                try:
                    number, event = heard.get(timeout=LOOK_SECONDS)
                except queue.Empty:
                    number, event = -1, {}
                if gone():
                    raise Gone
                if event:
                    yield number, event
                    if event.get("end") or event.get("wrong"):
                        open_jobs.discard(event["job"])
        finally:
            with self._guard:
                left = [job for job in jobs if self._jobs.pop(job, None)]
            for job in left:
                self._send({"cancel": job})

    def _send(self, record: Event) -> bool:
        assert self._child.stdin is not None
        with self._guard:
            if self._end:
                return False
            try:
                self._child.stdin.write(json.dumps(record) + "\n")
            except OSError:  # it ended, and `_listen` is about to notice
                return False
            return True

    def _listen(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            event = json.loads(line)
            if "job" not in event:
                self._end = event.get("failed", "")
                self._loaded.set()
                continue
            with self._guard:
                number, heard = self._jobs.get(event["job"], (0, None))
                if heard and (event.get("end") or event.get("wrong")):
                    del self._jobs[event["job"]]
            if heard:
                heard.put((number, event))
        code = self._child.wait()
        with self._guard:
            self._end = self._end or f"the model's process ended with {code}"
            left, self._jobs = self._jobs, {}
        self._loaded.set()
        for job, (number, heard) in left.items():
            heard.put((number, {"job": job, "wrong": self._end, "code": BROKEN}))
