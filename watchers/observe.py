"""Native file events, used for one thing only: to wake the scan up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from pathlib import Path

from tonewright.workspace import file_system

# Where the operating system tells nothing about changes made from elsewhere; the timed scan does the work there.
SILENT = {"9p", "drvfs", "nfs", "nfs4", "cifs", "smb3", "virtiofs", "vboxsf"}


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


def observe(roots: Iterable[Path], bell: Bell) -> list[str]:
    """Ring `bell` on every change below `roots`; returns a sentence for each root that is only scanned.

    The observer is a daemon thread that ends with the process.
    """
    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers import Observer

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            # Our own reading opens and closes files; only changes are news.
            if event.event_type not in ("opened", "closed_no_write"):
                bell.ring()

    logging.getLogger("watchdog.observers").addHandler(_Overflow(bell))
    observer = Observer()
    observer.daemon = True
    remarks = []
    for root in roots:
        kind = file_system(root) if root.is_dir() else ""
        if not root.is_dir():
            remarks.append(f"{root} is not there yet; it is looked for at every scan")
        elif kind in SILENT or kind.startswith("fuse"):
            remarks.append(f"{root} is on {kind}, which reports no changes; it is scanned instead")
        else:
            try:
                observer.schedule(Handler(), str(root), recursive=True)
            except OSError as e:  # the limit on watches or instances
                remarks.append(f"{root} cannot be watched ({e.strerror}); it is scanned instead")
    observer.start()
    return remarks
