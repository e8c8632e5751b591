"""Keys and values of prompts that were evaluated once, put aside so that the same beginning is never read again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tonewright.models.chat import answer_start

ROOM = 256 << 20  # bytes


class Shelf:
    """States of sequences by their tokens; the one that was of no use for longest goes first."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._kept: list[tuple[list[int], Any]] = []  # the latest last

    def put(self, ids: Sequence[int], state: Any) -> None:
        """Keep `state`, which begins with all that is known of `ids`; shorter beginnings of the same are let go."""
        self._kept = [kept for kept in self._kept if answer_start(kept[0], ids) < len(kept[0])]
        self._kept.append((list(ids), state))
        while sum(len(state) for _, state in self._kept) > self._room:
            del self._kept[0]

    def best(self, ids: Sequence[int]) -> tuple[int, Any]:
        """(how many of `ids` the state that fits best begins with, that state); (0, None) when none does."""
        shared, at = max(((answer_start(kept, ids), i) for i, (kept, _) in enumerate(self._kept)), default=(0, 0))
        if not shared:
            return 0, None
        self._kept.append(self._kept.pop(at))
        return shared, self._kept[-1][1]
