"""The data card beside an export: what is in it, where it comes from, and under which terms, in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timezone

from tonewright import __version__
from tonewright.corpus.rows import Row

_LICENCE = (
    "To be filled in by the author: every answer in this file is the author's own text, and nobody may use it "
    "before the author says so here."
)


def data_card(rows: Sequence[Row], *, name: str, form: str, lines: int, sha256: str, left_out: dict[str, int]) -> str:
    """The card of the export `name` in the format `form`; `rows` are those that it was made of."""
    made = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    sources = Counter(f"{r.source['origin']}: {r.source['path']}" for r in rows)
    words = sum(row.words for row in rows)
    parts = [
        f"# {name}",
        f"{lines} lines of `{form}`, {words} words of the author's, made on {made} by tonewright {__version__}.",
        f"SHA-256: `{sha256}`",
        "## How it was made",
        "Every answer is text that the author wrote and published or said: passages of posts and of voice notes, their "
        "edits, their summaries. What is asked may be a machine's: plain versions of passages, and suggested "
        "tones, which count as `machine` below. Quotations, code, drafts, private posts and text that a model of ours "
        "wrote are not in it, except under `correction`: an answer there is the author's edit of a draft of ours, "
        f"no model is trained on it here, and it is meant for preferences. Left out besides: {_said(left_out)}.",
        "The split goes by a hash of the document, so a held-out document is held out in every export.",
        "## Counts",
        *(
            _table(title, Counter(found))
            for title, found in (
                ("kind", (r.kind for r in rows)),
                ("split", ("held-out" if r.held_out else "train" for r in rows)),
                ("tone", (f"{r.tone} (by {r.tone_by})" if r.tone else "open" for r in rows)),
                ("source", sources.elements()),
            )
        ),
        "## Licence",
        _LICENCE,
    ]
    return "\n\n".join(parts) + "\n"


def _table(title: str, counts: Counter[str]) -> str:
    lines = [f"| {_cell(name)} | {number} |" for name, number in sorted(counts.items(), key=lambda c: (-c[1], c[0]))]
    return "\n".join([f"| {title} | rows |", "|---|---|", *lines])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _said(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} rows for {why}" for why, number in counts.items()) or "nothing"
