"""A voice note becomes a document: is it sound, what was said, which tone does its folder name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.take_post import follow_up
from tasks.transcribe import transcribe
from tonewright.corpus import hand_tags
from tonewright.corpus.documents import FOLDER, Document, Excerpt, HandLabel, store
from tonewright.errors import BadInput
from tonewright.ledger.leases import Lease
from tonewright.ledger.store import Transaction
from tonewright.notes import kept
from tonewright.notes.decode import decode
from tonewright.notes.extractors import make_extractor
from tonewright.notes.transcript import Transcript, read_transcript, tone_of_folder
from tonewright.workspace import Workspace

MIN_WORDS = 8
LEAST_CLEAR = 0.75  # share of a passage's words; nobody is to learn to write what a machine misheard


def handle(workspace: Workspace, lease: Lease) -> None:
    """Store the note's paragraphs as passages; without a transcript, have it heard, or wait for one and say so."""
    payload = lease.event.payload
    path = Path(payload["path"])
    copies = workspace.folder("store")
    with naming(path, copies / payload["version"]):
        sound = decode(copies / payload["version"], workspace.config.notes.longest_minutes * 60)
    if not payload["transcript"]:
        transcribe(workspace, lease, sound)
        return
    with naming(path.with_suffix(".txt"), copies / payload["transcript"]):
        transcript = read_transcript(copies / payload["transcript"], kind=payload["transcript_kind"])
    tone = tone_of_folder(path, Path(payload["place"]), workspace.vocabulary.names)
    excerpts, unclear = _excerpts(path, transcript, tone)
    document = Document(
        origin="note",
        place=payload["place"],
        path=str(path),
        version=f"{payload['version']}+{payload['transcript']}",
        commit="",
        slug=path.stem,
        title=path.stem,
        written="",
        summary=None,
    )
    aside = f", {unclear} more not heard clearly" if unclear else ""
    by = f", words by {payload['heard_by']}" if payload.get("heard_by") else ""
    note = f"{sound.seconds:.1f} s of speech, {len(excerpts)} passages" + (f", {tone}" if tone else "") + by + aside
    note = "; ".join(filter(None, [note, *sound.warnings, transcript.warning]))
    with lease.finish(note) as tx:
        for old in payload.get("moved_from", []):
            _leave(tx, old)
        row = store(tx, lease.event.id, document, excerpts)
        follow_up(tx, lease.event, row)
        extractor = make_extractor(workspace.config.notes.extractor).id
        tx.add(kept.wish(lease.event.source, payload, row, extractor), parent=lease.event.id)


def _excerpts(path: Path, transcript: Transcript, tone: str | None) -> tuple[list[Excerpt], int]:
    """The paragraphs that are worth a passage, and how many were not heard clearly. Raises `BadInput` for none."""
    excerpts, unclear = [], 0
    for start, end in transcript.paragraphs:
        text = " ".join(transcript.text[start:end].split())
        if len(text.split()) < MIN_WORDS:
            continue
        if transcript.certainty(start, end) < LEAST_CLEAR:
            unclear += 1
            continue
        labels = [HandLabel(tone, FOLDER, start, end)] if tone else []
        excerpts.append(Excerpt(start, end, transcript.text.count("\n", 0, start) + 1, text, labels))
    if unclear and not excerpts:
        raise BadInput(f"{path} was not heard clearly", f"write its words into {path.with_suffix('.txt').name}")
    if not excerpts:
        raise BadInput(f"{path} has no paragraph of at least {MIN_WORDS} words", "write down more of what was said")
    return excerpts, unclear


def _leave(tx: Transaction, old: dict[str, str]) -> None:
    """A note that was renamed or moved is not told twice; another one under its old name is not touched."""
    tx.execute(
        """UPDATE documents SET live = 0
           WHERE origin = 'note' AND place = ?1 AND path = ?2 AND substr(version, 1, length(?3)) = ?3""",
        (old["place"], old["path"], old["version"]),
    )
    hand_tags.settle(tx, "note", old["place"], old["path"])


@contextmanager
def naming(path: Path, copy: Path) -> Iterator[None]:
    """What is wrong with our copy is told of the file that the author knows."""
    try:
        yield
    except BadInput as e:
        raise BadInput(e.what.replace(str(copy), str(path)), e.remedy) from e
