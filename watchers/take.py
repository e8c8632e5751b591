"""Taking files: copied into the store under their hash and made durable, then announced, many in one transaction."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tonewright.corpus.erase import drop_copies
from tonewright.errors import BadInput, TryLater
from tonewright.workspace import Workspace
from watchers import manifest
from watchers.announce import Copy, announce
from watchers.manifest import ATTENTION, TAKEN, Folder, Row
from watchers.settle import signature
from watchers.walk import Found

BATCH_FILES = 200  # a burst costs one transaction and one wait for the disk per so many files ...
BATCH_SECONDS = 1.0  # ... or per so long, where they are large
PIECE = 1 << 20  # bytes
RACY_SECONDS = 2.0  # the coarsest clock of a file system in use (FAT)

Verdict = tuple[Found, str, str]  # a file, the state it is to be in, and why


def take(workspace: Workspace, folder: Folder, files: Iterable[Verdict]) -> Iterator[list[int]]:
    """Write down `files`; those that are `TAKEN` are copied and announced. Yields each batch's new events.

    A batch is in the ledger after its copies are on the disk, so what is killed in between is simply taken again.
    """
    store = workspace.folder("store")
    files = iter(files)
    while True:
        with _alone(store):
            copies, remarks = _copy_some(store, files)
            if not copies and not remarks:
                return
            _make_durable(store, copies)
            with workspace.ledger.transaction() as tx:
                for found, state, note in remarks:
                    manifest.write(tx, folder, found.path, Row(found.seen, found.volume, False, "", state, note))
                for copy in copies:
                    announce(tx, folder, copy, manifest.row(tx, folder, copy.found.path))
                    manifest.write(tx, folder, copy.found.path, _row(copy, tx.now))
            drop_copies(workspace)
        yield tx.added


def _row(copy: Copy, now: float) -> Row:
    racy = abs(now - copy.found.changed) < RACY_SECONDS + BATCH_SECONDS
    return Row(copy.found.seen, copy.found.volume, racy, copy.content, TAKEN, "")


@contextmanager
def _alone(store: Path) -> Iterator[None]:
    """One process at a time fills the store (the kernel frees the lock), so every `.part` in it is a dead one's."""
    with (store / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _copy_some(store: Path, files: Iterator[Verdict]) -> tuple[list[Copy], list[Verdict]]:
    """Copy one batch aside, named `incoming.CONTENT.part`. A file that changes meanwhile is left for the next look."""
    copies: list[Copy] = []
    remarks: list[Verdict] = []
    end = time.monotonic() + BATCH_SECONDS
    for found, state, note in files:
        if not copies and not remarks:
            _clear(store)
        try:
            if state != TAKEN:
                remarks.append((found, state, note))
            elif (copy := _copy_with_words(store, found)) is not None:
                copies.append(copy)
        except BadInput as e:
            remarks.append((found, ATTENTION, str(e)))
        some = len(copies) + len(remarks)
        if some and (some >= BATCH_FILES or time.monotonic() > end):
            break
    return copies, remarks


def _clear(store: Path) -> None:
    """Take away what a killed scan left half copied."""
    with os.scandir(store) as listing:
        for entry in listing:
            if entry.name.startswith("incoming.") and entry.name.endswith(".part"):
                Path(entry.path).unlink()


def _copy_with_words(store: Path, found: Found) -> Copy | None:
    """Both files of a note, or the one of a post; None when one of them changed or vanished meanwhile."""
    paths = [found.path, found.sidecar] if found.sidecar else [found.path]
    contents = []
    for path, seen in zip(paths, found.seen.split("+")):
        content = _copy(store, path, seen)
        if content is None:
            return None
        contents.append(content)
    return Copy(found, *contents)


def _copy(store: Path, path: str, seen: str) -> str | None:
    """Copy one file aside; returns its sha256, or None when its signature is not `seen` before and after.

    Raises `BadInput` when it cannot be read, and `TryLater` when the store cannot be written.
    """
    aside = store / f"incoming.{os.getpid()}.part"
    digest = hashlib.sha256()
    try:
        with aside.open("wb", buffering=0) as copy:
            for piece in _pieces(path, seen):
                digest.update(piece)
                _write_all(copy.fileno(), piece)
        content = digest.hexdigest()
        if not (store / content).exists():
            aside.replace(store / f"incoming.{content}.part")
        return content
    except _Changed:
        return None
    except OSError as e:
        raise TryLater(
            f"{store} could not be written ({e.strerror})", "free some space; nothing accepted was lost"
        ) from e
    finally:
        aside.unlink(missing_ok=True)


class _Changed(Exception):  # no error: it is still being written
    """The file is not the one that was seen."""


def _pieces(path: str, seen: str) -> Iterator[bytes]:
    try:
        with open(path, "rb", buffering=0) as source:  # noqa: PTH123 - one of 20,000 paths that need not be a Path
            if signature(os.fstat(source.fileno())) != seen:
                raise _Changed
            while piece := source.read(PIECE):
                yield piece
        if signature(os.lstat(path)) != seen:
            raise _Changed
    except (FileNotFoundError, NotADirectoryError) as e:
        raise _Changed from e
    except OSError as e:
        raise BadInput(f"{path} cannot be read ({e.strerror})", "it is tried again at every scan") from e


def _write_all(file: int, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:  # a disk that is nearly full takes a part without an error
        rest = rest[os.write(file, rest) :]


def _make_durable(store: Path, copies: list[Copy]) -> None:
    """Flush the batch's copies and give them their names; only then may a transaction name them.

    Writing begins for all of them before the first is waited for, so that one commit of the file system's journal
    serves the whole batch.
    """
    contents = dict.fromkeys(c for copy in copies for c in (copy.content, copy.transcript) if c)
    asides = {name: store / f"incoming.{name}.part" for name in contents}
    fresh = {name: aside for name, aside in asides.items() if aside.exists()}
    for aside in fresh.values():
        _with_file(aside, _start_writing)
    for aside in fresh.values():
        _with_file(aside, os.fsync)
    for name, aside in fresh.items():
        aside.replace(store / name)
    if copies:
        _with_file(store, os.fsync)


def _start_writing(file: int) -> None:
    """Ask the kernel to write a file's pages now, without waiting for it (Linux; elsewhere the flush does it)."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)


def _with_file(path: Path, step: Callable[[int], None]) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        step(file)
    finally:
        os.close(file)
