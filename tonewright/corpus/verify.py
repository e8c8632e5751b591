"""Proof that export equals ledger equals the text that may be in it; every fault is one sentence.

Nothing here is fixed, and nothing is believed because we wrote it: hashes are computed again and posts read again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tonewright.corpus import drafts, fingerprints, lineage
from tonewright.corpus.documents import FORGOTTEN_FILE, FORGOTTEN_ROW, FORGOTTEN_TEXT, text_hash
from tonewright.corpus.erase import forgotten
from tonewright.corpus.formats import FORMATS
from tonewright.corpus.recordings import with_recordings
from tonewright.corpus.rows import Row, collect_with_reasons, row_id
from tonewright.errors import BadInput
from tonewright.models.base import sha256_of
from tonewright.notes.transcript import read_transcript
from tonewright.posts.passages import split_passages
from tonewright.posts.post import LeftOut, parse, publication
from tonewright.repository import Repository
from tonewright.workspace import Workspace


@dataclass(frozen=True)
class Found:
    """What was looked at, what is wrong with it, and what is only worth knowing."""

    passages: int
    rows: int
    faults: list[str]
    remarks: list[str]


def verify(workspace: Workspace) -> Found:
    """Look at everything; reads every live document once."""
    rows = with_recordings(workspace.ledger, collect_with_reasons(workspace.ledger, workspace.config).rows)
    remarks: list[str] = []
    faults = [*_ledger(workspace), *_sources(workspace, remarks)]
    faults += [*_exports(workspace, rows, remarks), *_snapshots(workspace), *_forgotten(workspace)]
    live = workspace.ledger.read("SELECT count(*) FROM passages p JOIN documents d ON d.id = p.document WHERE d.live")
    return Found(live[0][0], len(rows), faults, remarks)


def _ledger(workspace: Workspace) -> Iterator[str]:
    """The file itself, the names of texts, and what refers to them."""
    ledger = workspace.ledger
    for (told,) in ledger.read("PRAGMA integrity_check"):
        if told != "ok":
            yield f"the ledger is damaged: {told}"
    for table, row, *_ in ledger.read("PRAGMA foreign_key_check"):
        yield f"row {row} of {table} in the ledger refers to nothing"
    for name, text in ledger.read("SELECT hash, text FROM texts"):
        if text_hash(text) != name:
            yield f"text {name[:12]} in the ledger is not what its hash says: {text[:40]!r}"
    for what, name in ledger.read(
        """SELECT 'passage ' || id, text_hash FROM passages WHERE text_hash NOT IN (SELECT hash FROM texts)
           UNION ALL SELECT 'the summary of ' || path, summary_hash FROM documents
               WHERE summary_hash IS NOT NULL AND summary_hash NOT IN (SELECT hash FROM texts)
           UNION ALL SELECT 'a plain version', plain_hash FROM plain_versions
               WHERE plain_hash IS NOT NULL AND plain_hash NOT IN (SELECT hash FROM texts)
           UNION ALL SELECT 'revision ' || id, before_hash FROM revisions
               WHERE before_hash NOT IN (SELECT hash FROM texts) OR after_hash NOT IN (SELECT hash FROM texts)"""
    ):
        yield f"{what} has no text ({name[:12]})"


def _sources(workspace: Workspace, remarks: list[str]) -> Iterator[str]:
    """Every live document against the file that it came from."""
    ledger = workspace.ledger
    gone = forgotten(ledger, FORGOTTEN_FILE)
    for number, origin, path, version, event, summary in ledger.read(
        """SELECT d.id, origin, path, version, event, t.text FROM documents d
           LEFT JOIN texts t ON t.hash = d.summary_hash WHERE live ORDER BY d.id"""
    ):
        if not gone.isdisjoint(version.split("+")):
            remarks.append(f"{path} was forgotten in part, so no copy is kept to compare the rest with")
            continue
        stored = {
            (start, end): text
            for start, end, text in ledger.read(
                """SELECT span_start, span_end, t.text FROM passages p JOIN texts t ON t.hash = p.text_hash
                   WHERE document = ?""",
                (number,),
            )
        }
        try:
            if origin == "note":
                yield from _note(workspace, path, version, event, stored)
            else:
                yield from _post(workspace, origin, path, version, stored, summary)
        except (OSError, KeyError, BadInput) as e:
            yield f"{path}: the version that was taken cannot be read any more ({e})"
    yield from _current(workspace)


def _post(
    workspace: Workspace, origin: str, path: str, version: str, stored: dict[tuple[int, int], str], summary: str | None
) -> Iterator[str]:
    """A post is public, each stored passage is in it, and each passage in it is stored or left out for a reason."""
    if origin == "git":
        data = Repository(workspace.root).read_blob(version)
    else:
        file = workspace.state / "store" / version
        if sha256_of(file) != version:
            yield f"{file} is not what its name says: it is the copy of {path}"
            return
        data = file.read_bytes()
    post = parse(data, path)
    public = publication(post, datetime.now().astimezone(), workspace.config.blog.drafts)
    if isinstance(public, LeftOut):
        yield f"{path} is in the corpus, although {public.reason}"
    if summary not in (None, post.summary):
        yield f"{path}: the summary in the ledger is not the post's: {summary!r}"
    eligible = {(p.start, p.end): p for p in split_passages(post, workspace.vocabulary)}
    for span, text in stored.items():
        if span not in eligible or eligible[span].text != text:
            yield f"{path}, characters {span[0]}-{span[1]}: the post does not say {text[:40]!r} there"
    for span, passage in eligible.items():
        if span not in stored and not _left_out(workspace, passage.text):
            yield f"{path}:{passage.line}: a passage is missing from the ledger: {passage.text[:40]!r}"


def _left_out(workspace: Workspace, text: str) -> bool:
    if text_hash(text) in forgotten(workspace.ledger, FORGOTTEN_TEXT):
        return True
    ours = fingerprints.share_written(workspace.ledger, text) >= fingerprints.OURS
    return ours or drafts.origins(workspace.ledger, [text])[text].ours


def _note(
    workspace: Workspace, path: str, version: str, event: int, stored: dict[tuple[int, int], str]
) -> Iterator[str]:
    """The copies of the recording and of its words are whole, and say what is stored."""
    for name in version.split("+"):
        if sha256_of(workspace.state / "store" / name) != name:
            yield f"{workspace.state / 'store' / name} is not what its name says: it is a copy of {path}"
            return
    payload = json.loads(workspace.ledger.read("SELECT payload FROM events WHERE id = ?", (event,))[0][0])
    words = read_transcript(workspace.state / "store" / version.split("+")[1], kind=payload["transcript_kind"])
    for (start, end), text in stored.items():
        if " ".join(words.text[start:end].split()) != text:
            yield f"{path}, characters {start}-{end}: its transcript does not say {text[:40]!r} there"


def _current(workspace: Workspace) -> Iterator[str]:
    """What the scanners saw last is live, unless its event says why not or all of it was forgotten."""
    for path, state in workspace.ledger.read(
        """SELECT c.path, (SELECT e.state FROM events e WHERE e.kind = 'post' AND e.source = c.path
                           ORDER BY e.id DESC LIMIT 1)
           FROM current_posts c WHERE NOT EXISTS (
               SELECT 1 FROM documents d WHERE d.live AND d.place = c.repository AND d.path = c.path
               AND d.version = c.blob)
           AND NOT EXISTS (
               SELECT 1 FROM documents d WHERE d.place = c.repository AND d.path = c.path AND d.version = c.blob
               AND d.summary_hash IS NULL AND NOT EXISTS (SELECT 1 FROM passages p WHERE p.document = d.id))"""
    ):
        if state == "done":
            yield f"{path} was taken, and the ledger does not have it as it stands"


def _exports(workspace: Workspace, rows: list[Row], remarks: list[str]) -> Iterator[str]:
    """Every export is whole, and equals the rows as they are now unless it is older."""
    for name, lines, sha256, was, form in workspace.ledger.read(
        "SELECT name, lines, sha256, was, format FROM exports ORDER BY name"
    ):
        file = Path(name)
        if not file.is_file():
            remarks.append(f"{file}, an export, is not there any more")
            continue
        found = file.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
        for number, line in enumerate(found, 1):
            if _parsed(line) is None:
                yield f"{file}, line {number} is no row: {line[:40]!r}"
        if (held := sha256_of(file)) not in (sha256, was):
            yield f"{file} is not what was exported ({len(found)} lines of {lines}): export it again"
        elif held == was or found != list(FORMATS[form](rows)):
            remarks.append(f"{file} is older than the corpus")


def _parsed(line: str) -> dict[str, object] | None:
    with suppress(ValueError):
        record = json.loads(line)
        return record if isinstance(record, dict) else None
    return None


def _snapshots(workspace: Workspace) -> Iterator[str]:
    """The files of a run hold the rows of its snapshot and no others, each under the name of its content."""
    listed = dict(workspace.ledger.read("SELECT r.id, s.rows FROM runs r JOIN snapshots s ON s.id = r.snapshot"))
    gone = forgotten(workspace.ledger, FORGOTTEN_ROW)
    held: dict[tuple[str, Path], set[str]] = {}
    for run, file in lineage.snapshot_files(workspace):
        ids = held.setdefault((run, file.parent), set())
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").split("\n")[:-1], 1):
            row = _parsed(line)
            try:
                assert row is not None
                answer = row["messages"][-1]["content"]  # type: ignore[index]
                name = row_id(row["kind"], row["tone"], row["asked"], answer, row.get("rejected", ""))  # type: ignore[arg-type]
            except (AssertionError, KeyError, TypeError, IndexError):
                yield f"{file}, line {number} is no row: {line[:40]!r}"
                continue
            ids.add(name)
            if name != row["id"]:
                yield f"{file}, line {number}: row {row['id']} was changed after it was frozen"
    for (run, folder), ids in held.items():
        frozen = frozenset(json.loads(listed[run])) if run in listed else ids
        if missing := frozen - ids - gone:
            yield f"{folder} lacks {len(missing)} rows of its snapshot, such as {min(missing)}"
        if more := ids - frozen:
            yield f"{folder} holds {len(more)} rows that are not in its snapshot, such as {min(more)}"


def _forgotten(workspace: Workspace) -> Iterator[str]:
    """What was forgotten is in no table, no copy, no snapshot and no export."""
    ledger = workspace.ledger
    texts = forgotten(ledger, FORGOTTEN_TEXT)
    for table, column in (
        *(("texts", "hash"), ("passages", "text_hash"), ("labels", "text_hash"), ("plain_versions", "text_hash")),
        *(("plain_versions", "plain_hash"), ("revisions", "before_hash"), ("revisions", "after_hash")),
        *(("drafts", "draft_hash"), ("drafts", "source_hash"), ("corrections", "draft_hash")),
        *(("corrections", "after_hash"), ("documents", "summary_hash")),
    ):
        found = ledger.read(
            f"SELECT count(*) FROM {table} WHERE {column} IN (SELECT hash FROM forgotten WHERE kind = ?)",  # noqa: S608
            (FORGOTTEN_TEXT,),
        )[0][0]
        if found:
            yield f"{found} forgotten texts are still in the ledger's {table} ({column})"
    for name in sorted(forgotten(ledger, FORGOTTEN_FILE)):
        if (workspace.state / "store" / name).exists():
            yield f"{workspace.state / 'store' / name} was forgotten and is still there"
    exports = [Path(name) for (name,) in ledger.read("SELECT name FROM exports") if Path(name).is_file()]
    for file in [*(file for _, file in lineage.snapshot_files(workspace)), *exports] if texts else []:
        for line in file.read_text(encoding="utf-8", errors="replace").split("\n"):
            if not texts.isdisjoint(lineage.hashes_in(_parsed(line))):
                yield f"{file} still holds a forgotten text: {line[:60]!r}"
