"""Native file events, used for one thing only: to wake the scan up."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tonewright.workspace import Workspace, file_system, is_remote

if TYPE_CHECKING:
    from watchdog.events import FileSystemEventHandler
    from watchdog.observers.api import ObservedWatch

WATCHING = "watching.json"  # in the state folder


class Bell:
    """Rung by anything; waited for by the loop. Many rings before a wait count as one."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def ring(self) -> None:
        """Say that there may be something to see."""
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Wait for a ring, at most `seconds`; tells whether there was one."""
        rung = self._event.wait(seconds)
        self._event.clear()
        return rung


class _Overflow(logging.Handler):
    """watchdog only logs that the kernel dropped events; a dropped event is a reason to look."""

    def __init__(self, bell: Bell) -> None:
        super().__init__(logging.WARNING)
        self._bell = bell

    def emit(self, record: logging.LogRecord) -> None:
        self._bell.ring()


def _handler(bell: Bell) -> FileSystemEventHandler:
    from watchdog.events import FileSystemEvent, FileSystemEventHandler

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            # Our own reading opens and closes files; only changes are news.
            if event.event_type not in ("opened", "closed_no_write"):
                bell.ring()

    return Handler()


class Observation:
    """Rings `bell` on every change below the roots that can be watched; the others are only scanned.

    `refresh` comes before each scan: a folder that appears later, or comes back on a disk that is plugged in again,
    is watched from then on. `unwatched` is any folder outside the roots, to try whether the system has a watch left.
    The observer is a daemon thread that ends with the process.
    """

    def __init__(self, roots: Iterable[Path], bell: Bell, unwatched: Path) -> None:
        from watchdog.observers import Observer

        logging.getLogger("watchdog.observers").addHandler(_Overflow(bell))
        self.remarks: dict[Path, str] = {}  # a sentence for each root that is only scanned
        self._roots = list(roots)
        self._unwatched = unwatched
        self._handler = _handler(bell)
        self._observer = Observer()
        self._observer.daemon = True
        self._observer.start()
        self._watched: dict[Path, tuple[ObservedWatch, tuple[int, int]]] = {}

    def refresh(self) -> list[str]:
        """Watch what can be watched now; returns the remarks that are new."""
        before = self.remarks
        self.remarks = {root: remark for root in self._roots if (remark := self._watch(root))}
        if limit := self._try_limit():
            self.remarks[self._unwatched] = limit
        return [remark for root, remark in self.remarks.items() if before.get(root) != remark]

    def _watch(self, root: Path) -> str:
        """Begin to watch `root`, or go on; returns why not, or ""."""
        now = _identity(root)
        watch, identity = self._watched.get(root, (None, None))
        if watch is not None and (identity != now or not self._is_alive(watch)):
            self._observer.unschedule(watch)
            del self._watched[root]
        if now is None:
            return f"{root} is not there; it is looked for at every scan"
        kind = file_system(root)
        if is_remote(kind):
            return f"{root} is on {kind}, which does not report every change; it is scanned instead"
        if root not in self._watched:
            try:
                self._watched[root] = (self._observer.schedule(self._handler, str(root), recursive=True), now)
            except OSError as e:  # the limit on watches or instances
                return f"{root} cannot be watched ({e.strerror}); it is scanned instead"
        return ""

    def _try_limit(self) -> str:
        """Why no other folder could be watched, or "": watchdog keeps quiet about sub-folders that it had to leave."""
        try:
            self._observer.unschedule(self._observer.schedule(self._handler, str(self._unwatched)))
        except OSError as e:
            return f"some folders cannot be watched ({e.strerror}) and are scanned instead"
        return ""

    def _is_alive(self, watch: ObservedWatch) -> bool:
        """Whether its thread still reads events; one that met the limit in a new sub-folder has ended."""
        return any(emitter.watch == watch and emitter.is_alive() for emitter in self._observer.emitters)


def _identity(root: Path) -> tuple[int, int] | None:
    """Which folder this is, whatever it is called; None when it is not there."""
    try:
        status = root.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if root.is_dir() else None


def tell(workspace: Workspace, observation: Observation) -> None:
    """Leave the remarks where `doctor` finds them."""
    remarks = {str(root): remark for root, remark in observation.remarks.items()}
    file = workspace.folder() / WATCHING
    if not file.exists() or told(workspace) != remarks:
        aside = file.with_suffix(".part")
        aside.write_text(json.dumps(remarks), encoding="utf-8")
        aside.replace(file)


def told(workspace: Workspace) -> dict[str, str]:
    """{root: why it is only scanned}, as the watcher process that ran last left it."""
    file = workspace.folder() / WATCHING
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}
