"""What a model of ours gave out, so that the author's edit of it becomes a pair: our draft, and what it should be.

A committed passage that came from a draft is one of three things. Word for word the draft, or nearly: the model's, and
kept out. Lightly edited: a correction, which tells which of two wordings the author prefers, and still no example of
the author's writing, since most of its words are the model's. Heavily edited: the author's own.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tonewright.corpus import fingerprints
from tonewright.corpus.documents import Excerpt, is_forgotten, keep_text
from tonewright.ledger.store import Ledger, Transaction

REWRITTEN, CONTINUED = "rewritten", "continued"
LIGHT = 0.7  # from this share of common words on (difflib's ratio), an edit left the draft's wording standing
_TOUCHED = 0.1  # share of runs of words below which no draft is looked for


@dataclass(frozen=True)
class Draft:
    """`text` was given out for `source` in `tone`, for the file `path` ("" for standard input)."""

    text: str
    source: str
    kind: str
    tone: str | None = None
    path: str = ""


@dataclass(frozen=True)
class Origin:
    """What a committed passage was made from: `draft` is "" for the author's own."""

    ours: bool  # no example of the author's writing
    draft: str = ""  # the draft that it corrects


def give_out(ledger: Ledger, drafts: Iterable[Draft], *, keep: bool = True) -> None:
    """Remember these drafts as ours; with `keep`, their words as well, so that an edit can be told."""
    for draft in drafts:
        fingerprints.remember(ledger, draft.text, "" if draft.kind == CONTINUED else draft.source)
        if not keep:
            continue
        with ledger.transaction() as tx:
            if is_forgotten(tx, draft.text) or is_forgotten(tx, draft.source):
                continue
            tx.execute(
                "INSERT OR REPLACE INTO drafts VALUES (?, ?, ?, ?, ?, ?)",
                (keep_text(tx, draft.text), keep_text(tx, draft.source), draft.kind, draft.tone, draft.path, tx.now),
            )


def origins(ledger: Ledger, texts: Sequence[str]) -> dict[str, Origin]:
    """{passage: where it comes from}, for the passages of one document."""
    shares = {text: fingerprints.share_written(ledger, text) for text in texts}
    given = (
        ledger.read(
            """SELECT d.draft_hash, t.text, s.text FROM drafts d JOIN texts t ON t.hash = d.draft_hash
               JOIN texts s ON s.hash = d.source_hash ORDER BY d.at DESC"""
        )
        if max(shares.values(), default=0.0) >= _TOUCHED
        else []
    )
    return {text: _origin(text, share, given if share >= _TOUCHED else ()) for text, share in shares.items()}


def keep_corrections(tx: Transaction, document: int, excerpts: Iterable[Excerpt], found: dict[str, Origin]) -> int:
    """Write down which passages of `document` correct a draft of ours; returns how many."""
    number = 0
    for excerpt in excerpts:
        draft = found[excerpt.text].draft
        if draft and not is_forgotten(tx, excerpt.text):
            tx.execute(
                "INSERT OR IGNORE INTO corrections VALUES (?, ?, ?, ?, ?, ?)",
                (document, excerpt.start, excerpt.end, excerpt.line, draft, keep_text(tx, excerpt.text)),
            )
            number += 1
    return number


def made_of(ledger: Ledger, texts: Iterable[str]) -> set[str]:
    """Hashes of the drafts that were given out for any of these texts (hashes) or became one of them by a light edit,
    and of all corrections of these drafts."""
    names = json.dumps(sorted(texts))
    return {
        str(name)
        for (name,) in ledger.read(
            """WITH named AS (SELECT value FROM json_each(?)),
               given AS (SELECT draft_hash FROM drafts WHERE source_hash IN named
                         UNION SELECT draft_hash FROM corrections WHERE after_hash IN named)
               SELECT draft_hash FROM given
               UNION SELECT after_hash FROM corrections WHERE draft_hash IN (SELECT draft_hash FROM given)""",
            (names,),
        )
    }


def _origin(text: str, share: float, given: Iterable[Sequence[str]]) -> Origin:
    """The likest draft decides; a passage that is nearer to what the draft was made from was never edited from it."""
    ours = share >= fingerprints.OURS
    likest, name = 0.0, ""
    for draft_hash, draft, source in given:
        alike = _alike(draft, text)
        if alike > max(likest, _alike(source, text)):
            likest, name = alike, draft_hash
    if likest >= LIGHT:
        return Origin(True, "" if likest == 1.0 else name)
    return Origin(ours)


def _alike(one: str, two: str) -> float:
    """Common words in the same order, 2 * common / all; case and punctuation count, since an edit may be of those."""
    matcher = difflib.SequenceMatcher(None, one.split(), two.split(), autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= LIGHT else 0.0
