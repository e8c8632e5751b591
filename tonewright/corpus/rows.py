"""What the corpus holds right now, as training rows: every target is the author's own text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tonewright import prompts
from tonewright.config.schema import Config
from tonewright.corpus.documents import PRIORITY
from tonewright.corpus.drafts import CONTINUED
from tonewright.corpus.sift import CONTINUATION, Sifted, sift
from tonewright.ledger.store import Ledger

REWRITE, REVISION, SUMMARY, CORRECTION = "rewrite", "revision", "summary", "correction"
ADJACENT = 4  # characters between two passages with nothing but a line's end between them (CR LF CR LF)


@dataclass(frozen=True)
class Row:
    """One example: a request, and the author's words as its answer."""

    id: str
    kind: str
    tone: str | None
    tone_by: str  # hand, machine, or "" when the tone is open
    request: prompts.Messages
    answer: str
    source_text: str  # what the request asks about
    held_out: bool
    source: dict[str, Any]  # origin, path, version, commit, start, end, line
    rejected: str = ""  # what a model of ours had answered, where the author corrected it

    @property
    def words(self) -> int:
        """Words of the author's in this row."""
        return len(self.answer.split())

    def as_json(self) -> str:
        """One line of the exported corpus: chat messages, and where they come from."""
        record = {
            "id": self.id,
            "kind": self.kind,
            "tone": self.tone,
            "tone_by": self.tone_by,
            "split": "held-out" if self.held_out else "train",
            "asked": self.source_text,
            "messages": prompts.training_row(self.request, self.answer),
            "source": self.source,
            **({"rejected": self.rejected} if self.rejected else {}),
        }
        return json.dumps(record, ensure_ascii=False, sort_keys=True)


def is_held_out(slug: str, share: float) -> bool:
    """Whether a document is kept away from training: by a hash of its name, so that growth moves nothing."""
    return int(hashlib.sha256(slug.encode()).hexdigest(), 16) % 1000 < round(share * 1000)


def collect(ledger: Ledger, config: Config) -> list[Row]:
    """The rows that a model is trained and judged on, in the order in which they were met.

    Corrections are not among them: most of their words are a model's, and it is not to train on itself.
    """
    return [row for row in collect_with_reasons(ledger, config).rows if row.kind != CORRECTION]


def collect_with_reasons(ledger: Ledger, config: Config) -> Sifted:
    """All rows of live documents, of the kinds in `[rows]`, without secrets, duplicates and what is too many."""
    tones = effective_tones(ledger, config.tagger.threshold)
    rows = [row for kind in MAKERS if kind in config.rows.kinds for row in MAKERS[kind](ledger, config, tones)]
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row.id, row)
    return sift(first.values(), config.rows)


def effective_tones(ledger: Ledger, threshold: float) -> dict[int, tuple[str, str]]:
    """{passage id: (tone, by)}: the hand's word if there is one, else the machine's if it is sure enough."""
    found: dict[int, tuple[tuple[int, float], str, str]] = {}
    for passage, origin, source, tone, confidence in ledger.read(
        "SELECT passage, origin, source, tone, confidence FROM labels WHERE passage IS NOT NULL ORDER BY id"
    ):
        if origin == "hand":
            rank = (PRIORITY.index(source) if source in PRIORITY else -1, 0.0)
        elif (confidence or 0.0) >= threshold:
            rank = (len(PRIORITY), -confidence)
        else:
            continue
        if passage not in found or rank < found[passage][0]:
            found[passage] = (rank, tone, origin)
    return {passage: (tone, origin) for passage, (_, tone, origin) in found.items()}


_WHERE = "d.slug, d.origin, d.path, d.version, d.commit_id, p.span_start, p.span_end, p.line"
_LIVE = "passages p JOIN documents d ON d.id = p.document AND d.live = 1 JOIN texts t ON t.hash = p.text_hash"


def _rewrites(ledger: Ledger, config: Config, tones: dict[int, tuple[str, str]]) -> list[Row]:
    """From a passage's plain version to the passage."""
    found = ledger.read(
        f"""SELECT p.id, t.text, plain.text, {_WHERE} FROM {_LIVE}
            JOIN plain_versions v ON v.text_hash = p.text_hash AND v.plain_hash IS NOT NULL
            JOIN texts plain ON plain.hash = v.plain_hash ORDER BY p.id"""  # noqa: S608 - constants of this module
    )
    return _asked(REWRITE, prompts.rewrite, found, config, tones)


def _revisions(ledger: Ledger, config: Config, tones: dict[int, tuple[str, str]]) -> list[Row]:
    """From what a passage was before the author's own edit to what it says now."""
    found = ledger.read(
        f"""SELECT p.id, t.text, old.text, {_WHERE} FROM {_LIVE}
            JOIN revisions r ON r.after_hash = p.text_hash
            JOIN texts old ON old.hash = r.before_hash ORDER BY p.id, r.id"""  # noqa: S608 - constants of this module
    )
    return _asked(REVISION, prompts.revise, found, config, tones)


def _asked(
    kind: str,
    prompt: Callable[[str, str | None], prompts.Messages],
    found: list[tuple[Any, ...]],
    config: Config,
    tones: dict[int, tuple[str, str]],
) -> list[Row]:
    """Rows that ask for a passage by another wording of it; `found`: passage, answer, asked, slug, then `_source`."""
    rows = []
    for passage, answer, asked, slug, *where in found:
        tone, by = tones.get(passage, (None, ""))
        name, held_out = row_id(kind, tone, asked, answer), is_held_out(slug, config.training.held_out)
        rows.append(Row(name, kind, tone, by, prompt(asked, tone), answer, asked, held_out, _source(where)))
    return rows


def _continuations(ledger: Ledger, config: Config, tones: dict[int, tuple[str, str]]) -> list[Row]:
    """From a passage to the one that stands right after it: no heading, quotation or code between them."""
    found = ledger.read(
        f"""SELECT p.id, t.text, before.text, {_WHERE} FROM {_LIVE}
            JOIN passages q ON q.document = p.document AND p.span_start - q.span_end BETWEEN 0 AND ?
            JOIN texts before ON before.hash = q.text_hash ORDER BY p.id""",  # noqa: S608 - constants of this module
        (ADJACENT,),
    )
    return _asked(CONTINUATION, prompts.go_on, found, config, tones)


def _corrections(ledger: Ledger, config: Config, tones: dict[int, tuple[str, str]]) -> list[Row]:
    """From what a model of ours was asked to the author's edit of its answer."""
    rows = []
    for kind, tone, asked, rejected, answer, slug, *where in ledger.read(
        """SELECT g.kind, g.tone, s.text, r.text, t.text, d.slug, d.origin, d.path, d.version, d.commit_id,
                  c.span_start, c.span_end, c.line
           FROM corrections c JOIN documents d ON d.id = c.document AND d.live = 1
           JOIN drafts g ON g.draft_hash = c.draft_hash JOIN texts s ON s.hash = g.source_hash
           JOIN texts r ON r.hash = c.draft_hash JOIN texts t ON t.hash = c.after_hash
           ORDER BY c.document, c.span_start"""
    ):
        request = (prompts.go_on if kind == CONTINUED else prompts.rewrite)(asked, tone)
        name = row_id(CORRECTION, tone, asked, answer, rejected)
        held_out = is_held_out(slug, config.training.held_out)
        by = "hand" if tone else ""
        rows.append(Row(name, CORRECTION, tone, by, request, answer, asked, held_out, _source(where), rejected))
    return rows


def _summaries(ledger: Ledger, config: Config, tones: dict[int, tuple[str, str]]) -> list[Row]:
    """From the passages of a post to what its header says that it is about."""
    rows = []
    for document, answer, slug, *where in ledger.read(
        """SELECT d.id, t.text, d.slug, d.origin, d.path, d.version, d.commit_id, 0, 0, 1
           FROM documents d JOIN texts t ON t.hash = d.summary_hash WHERE d.live = 1 ORDER BY d.id"""
    ):
        body = "\n\n".join(
            text
            for (text,) in ledger.read(
                """SELECT t.text FROM passages p JOIN texts t ON t.hash = p.text_hash
                   WHERE p.document = ? ORDER BY p.span_start""",
                (document,),
            )
        )
        if not body:
            continue
        rows.append(
            Row(
                row_id(SUMMARY, None, body, answer),
                SUMMARY,
                None,
                "",
                prompts.summarise(body),
                answer,
                body,
                is_held_out(slug, config.training.held_out),
                _source(where),
            )
        )
    return rows


Maker = Callable[[Ledger, Config, dict[int, tuple[str, str]]], list[Row]]
MAKERS: dict[str, Maker] = {
    REWRITE: _rewrites,
    REVISION: _revisions,
    SUMMARY: _summaries,
    CORRECTION: _corrections,
    CONTINUATION: _continuations,
}


def _source(where: list[Any]) -> dict[str, Any]:
    return dict(zip(("origin", "path", "version", "commit", "start", "end", "line"), where))


def row_id(kind: str, tone: str | None, asked: str, answer: str, rejected: str = "") -> str:
    """The name of a row: a hash of what it says, wherever it comes from."""
    said = [kind, tone, asked, answer, *([rejected] if rejected else [])]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()[:20]
