"""The author's tags in the ledger: read from the repository's files, fitted to the passages, made into labels.

The labels are a function of two things only, the decisions in the files and the documents that are live. Whatever the
order in which the two come in, on whatever machine, the same labels stand at the end.

- A decision is looked for in the document of its path. When no live document has that path any more (a rename), the
  document that holds the very words has it.
- Of several decisions about the same words the latest stands. Times that are equal are settled by the ids.
- A tag stands above the marks in the text, the folder and the front matter, unless the author has changed the
  passage's marks since: then the marks are the later word, and the tag yields to them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from tonewright.ledger.store import Ledger, Transaction
from tonewright.tones.anchors import EXACT, Anchor, Words, find
from tonewright.tones.handbook import Decision, digest_of, from_record

TAG, MARK = "tag", "mark"  # values of `labels.source`
STANDS, YIELDS, SUPERSEDED = "stands", "yields to a mark", "superseded"
LOST, ABSENT = "unanchored", "not in the corpus"  # the words are not in their document; there is no such document

_LIVE = "passages p JOIN documents d ON d.id = p.document AND d.live = 1 JOIN texts t ON t.hash = p.text_hash"
_STANDING = "id NOT IN (SELECT id FROM untagged)"  # nobody took it back


@dataclass(frozen=True)
class Tag:
    """A decision as it stands in the ledger."""

    decision: Decision
    file: str
    line: int
    passage: int | None  # its row id; None where the words are not in the corpus
    span: tuple[int, int] | None  # words of the passage; None: all of them
    how: str  # exact, edited, or "" where there is no passage
    state: str = STANDS


def take_files(tx: Transaction, files: Mapping[str, Sequence[tuple[int, Decision]]]) -> int:
    """Replace what the ledger knows of each file by its (line, decision) pairs, none for a file that is gone; returns
    the number of passages whose tags were looked at."""
    names = json.dumps(list(files))
    rows = tx.execute(
        "DELETE FROM hand_tags WHERE file IN (SELECT value FROM json_each(?)) RETURNING passage", (names,)
    ).fetchall()
    left = {row[0] for row in rows if row[0] is not None}
    rows = tx.execute(
        "DELETE FROM untagged WHERE file IN (SELECT value FROM json_each(?)) RETURNING id", (names,)
    ).fetchall()
    for file, decisions in files.items():
        for line, what in decisions:
            if not _is_forgotten(tx, what):
                _insert(tx, file, line, what)
    again = json.dumps([row[0] for row in rows])  # no longer taken back, or taken back as before
    left |= {
        row[0]
        for row in tx.execute(
            """SELECT passage FROM hand_tags WHERE passage IS NOT NULL AND id IN
               (SELECT id FROM untagged WHERE file IN (SELECT value FROM json_each(?)))""",
            (names,),
        )
    }
    mine = "file IN (SELECT value FROM json_each(?)) OR id IN (SELECT value FROM json_each(?))"
    touched = left | _fit(tx, _tags(tx, mine, (names, again)))
    _label(tx, touched)
    return len(touched)


def settle(tx: Transaction, origin: str, place: str, path: str) -> None:
    """Fit the tags that concern one document anew, after a version of it was stored or retired."""
    if tx.execute("SELECT 1 FROM hand_tags LIMIT 1").fetchone() is None:
        return
    live = {name_of(*row) for row in tx.execute("SELECT origin, place, path FROM documents WHERE live = 1")}
    name, words = name_of(origin, place, path), _words(tx, origin, place, path)
    concerned = {
        (tag.file, tag.line): tag
        for tag in _tags(
            tx,
            """path = ? OR passage IN (SELECT p.id FROM passages p JOIN documents d ON d.id = p.document
                                       WHERE d.origin = ? AND d.place = ? AND d.path = ?)""",
            (name, origin, place, path),
        )
    }
    if words is not None:  # it may be the new name of a document that some tags have lost
        lost = "path NOT IN (SELECT value FROM json_each(?)) AND instr(?, quote)"  # instr finds "" everywhere
        for tag in _tags(tx, lost, (json.dumps(sorted(live)), words[1].joined)):
            if find_again(tag.decision, words[1]) is not None:
                concerned[tag.file, tag.line] = tag
    _label(tx, _fit(tx, concerned.values()))


def tags(ledger: Ledger, path: str | None = None) -> list[Tag]:
    """Every tag that nobody took back, in order, each with its `state`; or those of the document called `path`."""
    found = _tags(ledger, "1")
    rows = ledger.read(f"SELECT p.id, d.origin, d.place, d.path FROM {_LIVE}")  # noqa: S608 - a constant
    names = {passage: name_of(*document) for passage, *document in rows}
    if path is not None:
        found = [tag for tag in found if tag.decision.path == path or names.get(tag.passage or 0) == path]
    states = {
        (t.file, t.line): t.state for p in {tag.passage for tag in found if tag.passage} for t in _judged(ledger, p)
    }
    live = set(names.values())
    judged = [
        replace(tag, state=states.get((tag.file, tag.line), LOST if tag.decision.path in live else ABSENT))
        for tag in found
    ]
    return sorted(judged, key=lambda t: (t.decision.path, t.decision.position, t.decision.order))


def name_of(origin: str, place: str, path: str) -> str:
    """What a document is called on every machine: its path from the repository's root, or from the watched folder."""
    return path if origin == "git" else path.removeprefix(place).lstrip("/")


def find_again(what: Decision, words: Words) -> Anchor | None:
    """Where a document under another name holds the very words, or None; edited words could be anybody's."""
    anchor = find(what, words)
    return anchor if anchor is not None and anchor.how == EXACT else None


def _is_forgotten(tx: Transaction, what: Decision) -> bool:
    """Whether the document was forgotten, and what it says by now does not hold these words."""
    if what.removes or not tx.execute("SELECT 1 FROM forgotten WHERE source = ? LIMIT 1", (what.path,)).fetchone():
        return False
    return all(find(what, words) is None for _, words in _documents(tx, what.path))


def _insert(tx: Transaction, file: str, line: int, what: Decision) -> None:
    for earlier in what.removes:
        tx.execute("INSERT OR IGNORE INTO untagged VALUES (?, ?, ?)", (earlier, file, line))
    if not what.removes:
        tx.execute(
            "INSERT INTO hand_tags(file, line, id, at, path, quote, record) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (file, line, what.id, what.at, what.path, what.quote, json.dumps(asdict(what), ensure_ascii=False)),
        )


def _fit(tx: Transaction, found: Iterable[Tag]) -> set[int]:
    """Find the words of each tag; returns the passages that it left, and those that it came to."""
    documents: dict[str, list[tuple[list[int], Words]]] = {}
    touched: set[int] = set()
    for tag in found:
        what = tag.decision
        if what.path not in documents:
            documents[what.path] = _documents(tx, what.path)
        fits = (_placed(ids, find(what, words)) for ids, words in documents[what.path])
        if not documents[what.path]:
            fits = (_placed(ids, find_again(what, words)) for ids, words in _elsewhere(tx, what))
        passage, span, how = next((fit for fit in fits if fit is not None), (None, None, ""))
        tx.execute(
            "UPDATE hand_tags SET passage = ?, word_start = ?, word_end = ?, how = ? WHERE file = ? AND line = ?",
            (passage, *(span or (None, None)), how, tag.file, tag.line),
        )
        touched |= {p for p in (tag.passage, passage) if p is not None}
    return touched


def _placed(ids: list[int], anchor: Anchor | None) -> tuple[int, tuple[int, int] | None, str] | None:
    if anchor is None:
        return None
    return ids[anchor.passage], None if anchor.whole else (anchor.start, anchor.end), anchor.how


def _documents(tx: Transaction, name: str) -> list[tuple[list[int], Words]]:
    """The live documents that are called `name`."""
    rows = tx.execute(
        """SELECT origin, place, path FROM documents WHERE live = 1 AND
           ((origin = 'git' AND path = ?1) OR (origin != 'git' AND path = place || '/' || ?1))
           ORDER BY origin, place""",
        (name,),
    ).fetchall()
    return [found for row in rows if (found := _words(tx, *row)) is not None]


def _elsewhere(tx: Transaction, what: Decision) -> list[tuple[list[int], Words]]:
    """The live documents that hold the very words, by name."""
    said = "replace(replace(t.text, char(160), ' '), char(8239), ' ')"  # `Words` takes every kind of blank for one
    rows = tx.execute(
        f"""SELECT DISTINCT d.origin, d.place, d.path FROM {_LIVE}
            WHERE p.text_hash = ? OR (? != '' AND instr({said}, ?))""",  # noqa: S608 - constants
        (what.digest or digest_of(what.quote.split()), what.quote, what.quote),
    ).fetchall()
    return [found for row in sorted(rows, key=lambda r: name_of(*r)) if (found := _words(tx, *row)) is not None]


def _words(tx: Transaction, origin: str, place: str, path: str) -> tuple[list[int], Words] | None:
    """Row ids and words of the passages of a live document; None when it is not live."""
    rows = tx.execute(
        f"""SELECT p.id, t.text FROM {_LIVE} WHERE d.origin = ? AND d.place = ? AND d.path = ?
            ORDER BY p.span_start""",  # noqa: S608 - constants
        (origin, place, path),
    ).fetchall()
    return ([row[0] for row in rows], Words(tuple(row[1] for row in rows))) if rows else None


def _label(tx: Transaction, passages: Iterable[int]) -> None:
    """Write the labels that the tags of these passages come to, those of whole passages first."""
    for passage in sorted(passages):
        tx.execute("DELETE FROM labels WHERE passage = ? AND origin = 'hand' AND source = ?", (passage, TAG))
        standing = [tag for tag in _judged(tx, passage) if tag.state == STANDS]
        for tag in sorted(standing, key=lambda t: t.span or (-1, -1)):
            whole = tag.span is None
            tx.execute(
                """INSERT OR IGNORE INTO
                   labels(text_hash, passage, origin, source, tone, span_start, span_end, evidence, created)
                   SELECT text_hash, id, 'hand', ?, ?, iif(?, span_start, NULL), iif(?, span_end, NULL), ?, ?
                   FROM passages WHERE id = ?""",
                (TAG, tag.decision.tone, whole, whole, "" if whole else tag.decision.quote, tx.now, passage),
            )


def _judged(db: Transaction | Ledger, passage: int) -> Iterator[Tag]:
    """The tags of one passage, each with what becomes of it."""
    found = sorted(_tags(db, "passage = ?", (passage,)), key=lambda t: t.decision.order)
    latest = {tag.span: tag for tag in found}
    marks = {
        tone
        for (tone,) in _rows(
            db, "SELECT tone FROM labels WHERE passage = ? AND origin = 'hand' AND source = ?", (passage, MARK)
        )
    }
    for tag in found:
        if latest[tag.span] is not tag:
            yield replace(tag, state=SUPERSEDED)
        elif marks and marks != set(tag.decision.marks):
            yield replace(tag, state=YIELDS)
        else:
            yield tag


def _tags(db: Transaction | Ledger, where: str, parameters: Iterable[object] = ()) -> list[Tag]:
    """The tags that nobody took back among those that a condition names, whether they fit or not."""
    rows = _rows(
        db,
        f"SELECT record, file, line, passage, word_start, word_end, how FROM hand_tags WHERE ({where}) AND {_STANDING}",  # noqa: S608
        parameters,
    )
    return [
        Tag(from_record(json.loads(record)), file, line, passage, None if start is None else (start, end), how)
        for record, file, line, passage, start, end, how in rows
    ]


def _rows(db: Transaction | Ledger, sql: str, parameters: Iterable[object]) -> list[tuple[Any, ...]]:
    return db.read(sql, parameters) if isinstance(db, Ledger) else db.execute(sql, parameters).fetchall()
