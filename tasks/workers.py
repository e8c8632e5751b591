"""Which worker processes are alive: each holds a lock that the kernel frees when it dies, however it dies."""

from __future__ import annotations

import atexit
import fcntl
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tonewright.errors import TonewrightError
from tonewright.workspace import Workspace

_guard = threading.Lock()
_held: dict[tuple[int, Path], tuple[str, IO[str]]] = {}


def current_owner(workspace: Workspace) -> str:
    """This process's name as a lease owner; its lock is taken at the first call and kept until the process ends.

    On a lent ledger it is the name of the process that lends it: that one ends when the connection does.
    """
    if workspace.ledger.lent_to:
        return workspace.ledger.lent_to
    folder = workspace.folder("workers")
    with _guard:
        mine = _held.get((os.getpid(), folder))
        if mine is None:
            name = uuid.uuid4().hex
            lock = (folder / name).open("w", encoding="utf-8")
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            mine = _held[os.getpid(), folder] = (name, lock)
            atexit.register(lock.close)
        return mine[0]


def living(workspace: Workspace) -> set[str]:
    """The owners whose processes still run; the lock files of dead ones are cleared away."""
    alive = set()
    for file in workspace.folder("workers").iterdir():
        if any(file.name == name for name, _ in _held.values()):
            alive.add(file.name)
            continue
        with file.open("r", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                alive.add(file.name)
            else:
                if lock.read():  # an empty one may belong to a process that is just about to lock it
                    file.unlink(missing_ok=True)
                else:
                    alive.add(file.name)
    return alive


@contextmanager
def only_one(workspace: Workspace, what: str) -> Iterator[None]:
    """Hold the lock called `what` for this workspace. Raises `TonewrightError` when another process has it."""
    file = workspace.folder() / f"{what}.lock"
    with file.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            lock.seek(0)
            raise TonewrightError(
                f"`tonewright {what}` is running for this blog already (process {lock.read().strip()})",
                "`tonewright status` shows what it does",
            ) from e
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
