"""Cut a stream of text at the first stop string."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


class Cutter:
    """Takes text piece by piece and gives out what comes before the first of `stop`, which may span pieces.

    What could still become a stop string is `held` back until the next piece tells. `ended`: one was found, and
    nothing more is to come.
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = stop
        self.held = ""
        self.ended = False

    def feed(self, piece: str) -> str:
        """The text that is certain after this piece; may be empty."""
        self.held += piece
        ends = [self.held.index(s) for s in self._stop if s in self.held]
        self.ended = bool(ends)
        safe = min(ends) if ends else len(self.held) - _beginning(self.held, self._stop)
        certain, self.held = self.held[:safe], "" if ends else self.held[safe:]
        return certain


def cut_at(pieces: Iterable[str], stop: Sequence[str]) -> Iterator[str]:
    """`pieces` up to the first occurrence of one of `stop`, which may span pieces."""
    cutter = Cutter(stop)
    for piece in pieces:
        if certain := cutter.feed(piece):
            yield certain
        if cutter.ended:
            return
    if cutter.held:
        yield cutter.held


def _beginning(text: str, stop: Sequence[str]) -> int:
    """How many characters at the end of `text` could be the beginning of a stop string."""
    return max((n for s in stop for n in range(1, min(len(s), len(text) + 1)) if text.endswith(s[:n])), default=0)
