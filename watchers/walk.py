"""One pass over a watched folder: each file that is somebody's work, with what tells whether it has changed."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator
from pathlib import Path
from typing import NamedTuple

from tonewright.events import NOTE
from tonewright.notes.files import in_cloud, is_ignored, stands_for
from tonewright.notes.transcript import sidecar_names
from tonewright.workspace import file_system, is_remote
from watchers.manifest import ATTENTION, IN_CLOUD, Folder
from watchers.settle import signature

NOT_HERE = "not downloaded to this machine; open it once to fetch it"


class Found(NamedTuple):
    """A file as the pass met it. `state` and `note` are set when it cannot be opened, and say why."""

    path: str
    seen: str  # its signature, a note's together with its transcript's ("AUDIO+TRANSCRIPT")
    volume: str
    changed: float  # seconds since the epoch of the latest change that its times tell
    sidecar: str = ""  # the transcript's path
    state: str = ""
    note: str = ""


class Walk:
    """Iterate to meet every file once; afterwards, `volumes` and `unread` tell what the pass could see.

    A file costs one `lstat`, and nothing but that where it is `known` (its path; what its name means was settled when
    it was met first). Links are not followed, and what is neither file nor folder is never opened.
    """

    def __init__(self, folder: Folder, known: Container[str] = ()) -> None:
        self.folder = folder
        self.known = known
        self.volumes: set[str] = set()  # the file systems that were met
        self.unread: list[str] = []  # folders that are there and could not be listed
        self._blocks_tell = not is_remote(file_system(folder.root))

    def __iter__(self) -> Iterator[Found]:
        stack = [str(self.folder.root)]
        while stack:
            here = stack.pop()
            try:
                volume = volume_of(here)
                with os.scandir(here) as listing:
                    entries = {entry.name: entry for entry in listing}
            except FileNotFoundError:
                continue
            except OSError:  # locked, or a disk that fails: nothing is known of what is in it
                self.unread.append(here + os.sep)
                continue
            self.volumes.add(volume)
            for name in sorted(entries):
                found = self._meet(entries, name, volume, stack)
                if found is not None:
                    yield found

    def _meet(self, entries: dict[str, os.DirEntry[str]], name: str, volume: str, below: list[str]) -> Found | None:
        """One entry: a file that is wanted, a folder to look into (added to `below`), or neither."""
        entry = entries[name]
        if entry.path in self.known and entry.is_file(follow_symlinks=False):
            return self._look(entries, entry, volume)
        is_folder = entry.is_dir(follow_symlinks=False)
        if not is_folder and not self.folder.wanted(name):
            original = stands_for(name)
            if original is None or original in entries or not self.folder.wanted(original):
                return None
            return Found(str(Path(entry.path).with_name(original)), name, volume, 0.0, "", IN_CLOUD, NOT_HERE)
        if is_ignored(name) or not (is_folder or entry.is_file(follow_symlinks=False)):
            return None
        if not _is_text(name):
            shown = os.fsencode(entry.path).decode("utf-8", "backslashreplace")
            return Found(shown, "", volume, 0.0, "", ATTENTION, "its name is not valid UTF-8: rename it")
        if is_folder:
            below.append(entry.path)
            return None
        return self._look(entries, entry, volume)

    def _look(self, entries: dict[str, os.DirEntry[str]], entry: os.DirEntry[str], volume: str) -> Found | None:
        try:
            statuses = [entry.stat(follow_symlinks=False)]
            sidecar = self._sidecar(entries, entry.name)
            if sidecar is not None:
                statuses.append(sidecar.stat(follow_symlinks=False))
        except OSError:  # gone again
            return None
        away = any(in_cloud(status, blocks_tell=self._blocks_tell) for status in statuses)
        return Found(
            entry.path,
            "+".join(map(signature, statuses)),
            volume,
            max(max(status.st_mtime, status.st_ctime) for status in statuses),
            sidecar.path if sidecar else "",
            *((IN_CLOUD, NOT_HERE) if away else ()),
        )

    def _sidecar(self, entries: dict[str, os.DirEntry[str]], name: str) -> os.DirEntry[str] | None:
        """The transcript beside a note: found in the listing, so that 20,000 notes cost no 80,000 look-ups."""
        if self.folder.kind != NOTE:
            return None
        beside = (entries[candidate] for candidate in sidecar_names(name) if candidate in entries)
        return next((entry for entry in beside if entry.is_file(follow_symlinks=False)), None)


def volume_of(folder: str | Path) -> str:
    """Names the file system that holds `folder`; where it has an id of its own, the same after a reboot.

    Raises `OSError` when the folder cannot be looked at.
    """
    return f"{os.statvfs(folder).f_fsid:x}" if os.statvfs(folder).f_fsid else f"device {Path(folder).stat().st_dev}"


def _is_text(name: str) -> bool:
    """Whether a name can be written down; a file system takes any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
