"""What the author has said before of the same things, as answered examples in front of a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tonewright import prompts
from tonewright.corpus.plain_rules import plain_by_rules
from tonewright.gate.measures import OverlapIndex, longest_overlap
from tonewright.prompts import Messages
from tonewright.search.archive import Archive

_ROOM = 500  # words of examples and twice the paragraph: what fits a window of 2,048 tokens beside the answer
_LOOKED_AT = 4  # times as many passages as are wanted: some are too long, or cannot be made plain


@dataclass(frozen=True)
class Ground:
    """An earlier passage of the author's: `plain` is what it says without its manner."""

    path: str
    line: int
    written: str  # ISO date, or ""
    title: str
    plain: str
    text: str


Context = Callable[[str], Sequence[Ground]]


class Earlier:
    """Finds such passages for a paragraph of `whole`, never one of the same post.

    A passage is of the same post when it stands at one of `paths`, or shares a run of more than `max_overlap` words
    with `whole`: the post may have been renamed, or come from standard input.
    """

    def __init__(self, archive: Archive, whole: str, paths: Iterable[str], limit: int, max_overlap: int) -> None:
        self._archive, self._limit, self._max_overlap = archive, limit, max_overlap
        self._paths = [path for path in paths if path]
        self._whole = OverlapIndex([whole])

    def __call__(self, text: str) -> list[Ground]:
        """The best passages on what `text` is about, the best first."""
        found: list[Ground] = []
        room = _ROOM - 2 * len(text.split())
        for passage in self._archive.context_for(text, _LOOKED_AT * self._limit, self._paths):
            chunk = passage.chunk
            if longest_overlap(chunk.text, self._whole)[0] > self._max_overlap:
                continue
            plain = self._plain(chunk.text_hash) or plain_by_rules(chunk.text)
            words = len(plain.split()) + len(chunk.text.split())
            if words > room or plain.split() == chunk.text.split():
                continue
            room -= words
            found.append(Ground(chunk.path, chunk.line, chunk.written, chunk.title, plain, chunk.text))
            if len(found) == self._limit:
                break
        return found

    def _plain(self, text_hash: str) -> str:
        """The plain version that the model was trained on, "" when the corpus has none."""
        rows = self._archive.workspace.ledger.read(
            """SELECT t.text FROM plain_versions v JOIN texts t ON t.hash = v.plain_hash
               WHERE v.text_hash = ? ORDER BY v.rowid DESC LIMIT 1""",
            (text_hash,),
        )
        return str(rows[0][0]) if rows else ""


def grounded(request: Messages, grounds: Sequence[Ground]) -> Messages:
    """`request` after the author's earlier passages, each as the answer to its own plain version.

    Every turn has the very form of a training row, and the whole that of the few-shot prompt of an untrained base; a
    block of quoted context would be a form that no model of ours has seen.
    """
    return prompts.few_shot(request, [(prompts.rewrite(ground.plain, None), ground.text) for ground in grounds])
