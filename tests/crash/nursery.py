"""Processes made to be killed: forked from one that has imported everything, so that each life costs little.

As a script it reads lines of JSON words on stdin: a role with its arguments is forked and answered with a pid, `kill`
with a pid is answered with the signal that the child died of (0: it had ended by itself). When stdin closes, whoever is
left is killed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType


def worker(root: str) -> None:
    """The worker process of `tonewright up`."""
    from tasks import consumer
    from tonewright.workspace import open_workspace

    consumer.run(open_workspace(Path(root)))


def producer(root: str, acknowledged: str) -> None:
    """Commits posts for ever."""
    from tests.crash import producer

    producer.main(Path(root), Path(acknowledged))


def bare(folder: str) -> None:
    """A consumer of Huey alone, the negative control."""
    from tests.crash import bare_huey

    bare_huey.connect(Path(folder)).create_consumer(workers=4, periodic=False, initial_delay=0.01, max_delay=0.05).run()


ROLES: dict[str, Callable[..., None]] = {"worker": worker, "producer": producer, "bare": bare}


class Nursery:
    """The forking process, seen from the test; what its children complain of goes into `log`."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def __enter__(self) -> Nursery:
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def ask(self, *words: str) -> int:
        """Send one line of words; returns the number that answers it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


class Victim:
    """A child that is killed with SIGKILL and born again."""

    def __init__(self, nursery: Nursery, *words: str) -> None:
        self._nursery, self._words = nursery, words
        self._pid = nursery.ask(*words)

    def restart(self) -> None:
        """Kill it without warning and start it again."""
        assert self._nursery.ask("kill", str(self._pid)) == signal.SIGKILL, f"{self._words} had ended by itself"
        self._pid = self._nursery.ask(*self._words)


def _main() -> None:
    sys.path.insert(0, str(Path(__file__).parents[2]))
    import watchers.loop  # noqa: F401
    from tests.crash import bare_huey, producer  # noqa: F401 - imported once, before the first fork

    children: set[int] = set()
    for line in sys.stdin:
        role, *words = json.loads(line)
        if role == "kill":
            print(_kill(int(words[0])), flush=True)
            children.discard(int(words[0]))
            continue
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(os.devnull, os.O_RDWR), 0)
            os.dup2(0, 1)
            ROLES[role](*words)
            os._exit(0)
        children.add(pid)
        print(pid, flush=True)
    for pid in children:
        _kill(pid)


def _kill(pid: int) -> int:
    os.kill(pid, signal.SIGKILL)
    return os.WTERMSIG(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    _main()
