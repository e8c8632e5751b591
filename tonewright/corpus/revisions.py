"""The author's own edits: which passage of the older version became which passage of the newer one."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from tonewright.corpus.documents import is_forgotten, keep_text
from tonewright.ledger.store import Transaction

LEAST_ALIKE = 0.4  # below this share of common words it is another passage, not an edited one


@dataclass(frozen=True)
class Edit:
    """One passage before and after."""

    before: str
    after: str


def edits(old: Sequence[str], new: Sequence[str]) -> list[Edit]:
    """Pair each passage of `new` that `old` does not hold with the passage of `old` that it was made from.

    A passage that stands unchanged in both is nobody's origin. Among the others the pairs that are most alike come
    first (`difflib` ratio over words, 2 * common / all), each passage is used once, and below `LEAST_ALIKE` a passage
    is new.
    """
    gone = [text for text in dict.fromkeys(old) if text not in set(new)]
    come = [text for text in dict.fromkeys(new) if text not in set(old)]
    ranked = sorted(
        ((_alike(before, after), i, j) for j, after in enumerate(come) for i, before in enumerate(gone)),
        key=lambda found: (-found[0], found[2], found[1]),
    )
    used: set[int] = set()
    origin: dict[int, int] = {}
    for share, i, j in ranked:
        if share >= LEAST_ALIKE and i not in used and j not in origin:
            origin[j] = i
            used.add(i)
    return [Edit(gone[origin[j]], come[j]) for j in sorted(origin)]


def store(tx: Transaction, payload: dict[str, str], found: Sequence[Edit]) -> None:
    """Keep the edits of the revision that `payload` tells of (place, path, old_blob, blob, commit)."""
    for edit in found:
        if is_forgotten(tx, edit.before) or is_forgotten(tx, edit.after):
            continue
        tx.execute(
            """INSERT OR IGNORE INTO
               revisions(repository, path, old_blob, blob, commit_id, before_hash, after_hash)
               VALUES (?, ?, ?, ?, ?, ?, ?)""",
            (
                payload["place"],
                payload["path"],
                payload["old_blob"],
                payload["blob"],
                payload["commit"],
                keep_text(tx, edit.before),
                keep_text(tx, edit.after),
            ),
        )


def _alike(before: str, after: str) -> float:
    one, two = before.split(), after.split()
    matcher = difflib.SequenceMatcher(None, one, two, autojunk=False)
    # The upper bounds are cheap and rule most pairs out.
    if matcher.real_quick_ratio() < LEAST_ALIKE or matcher.quick_ratio() < LEAST_ALIKE:
        return 0.0
    return matcher.ratio()
