"""Cut a stream of text at the first stop string."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def cut_at(pieces: Iterable[str], stop: Sequence[str]) -> Iterator[str]:
    """`pieces` up to the first occurrence of one of `stop`, which may span pieces.

    What could still become a stop string is held back until the next piece tells.
    """
    held = ""
    for piece in pieces:
        held += piece
        ends = [held.index(s) for s in stop if s in held]
        if ends:
            if min(ends):
                yield held[: min(ends)]
            return
        safe = len(held) - _beginning(held, stop)
        if safe:
            yield held[:safe]
            held = held[safe:]
    if held:
        yield held


def _beginning(text: str, stop: Sequence[str]) -> int:
    """How many characters at the end of `text` could be the beginning of a stop string."""
    return max((n for s in stop for n in range(1, min(len(s), len(text) + 1)) if text.endswith(s[:n])), default=0)
