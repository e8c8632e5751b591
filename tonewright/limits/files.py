"""The files that are measured: quantised and merged when they are needed, and gone when they are not."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

from tonewright.errors import TonewrightError, TryLater
from tonewright.gguf.merge import merge
from tonewright.gguf.quantise import F16, quantise
from tonewright.limits.cells import AS_IS, MERGED, Cell
from tonewright.models.base import BaseModel
from tonewright.models.copies import quick_copy
from tonewright.workspace import cache_folder


class Files:
    """A folder in the cache that one run at a time works in; what a killed one had finished is used again.

    Raises `TryLater` when there is another run: each would slow down what the other one times.
    """

    def __init__(self) -> None:
        self.folder = cache_folder() / "limits"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            os.close(self._lock)
            raise TryLater("another `tonewright limits` is measuring on this machine", "wait for it") from e

    def __enter__(self) -> Files:
        return self

    def __exit__(self, *_: object) -> None:
        self._keep(set())
        os.close(self._lock)

    def of(self, cell: Cell) -> Path:
        """The file that `cell` is about, made if need be; what no other combination like it needs is deleted.

        Raises `TonewrightError` when it cannot be made, mostly for want of room.
        """
        if cell.form == AS_IS:
            self._keep(set())
            return cell.base.gguf
        if cell.way != MERGED:
            return self._quantised(cell, cell.base)
        whole = self.folder / f"{cell.base.sha256[:16]}-{cell.adapter_sha256[:16]}-{F16}.gguf"
        goal = whole.with_name(whole.name.replace(f"{F16}.gguf", f"{cell.form}.gguf"))
        self._keep({whole, goal})
        try:
            if not whole.is_file():
                self._need(cell, F16)
                assert cell.adapter is not None
                merge(cell.base.gguf, cell.adapter, whole)
            if not goal.is_file():
                self._need(cell, cell.form)
                quantise(whole, goal, cell.form)
        except OSError as e:
            raise TonewrightError(f"{goal.name} could not be written ({e.strerror})", "free some space") from e
        return goal

    def _quantised(self, cell: Cell, base: BaseModel) -> Path:
        if cell.form == "q8_0" and (copy := quick_copy(base)) != base.gguf:
            self._keep(set())
            return copy  # which stays: other commands read it as well
        goal = self.folder / f"{base.sha256[:16]}-{cell.form}.gguf"
        self._keep({goal})
        if not goal.is_file():
            self._need(cell, cell.form)
            quantise(base.gguf, goal, cell.form, again=True)
        return goal

    def _need(self, cell: Cell, form: str) -> None:
        needed, free = Cell(cell.base, form).about_bytes, shutil.disk_usage(self.folder).free
        if free < needed:
            told = f"{form} takes about {needed / 1e6:.0f} MB and {self.folder} has {free / 1e6:.0f} MB left"
            raise TonewrightError(told, "free some space, or set TONEWRIGHT_CACHE")

    def _keep(self, wanted: set[Path]) -> None:
        """Delete everything else here, what a killed run left half written among it."""
        for file in self.folder.iterdir():
            if file not in wanted:
                file.unlink(missing_ok=True)
