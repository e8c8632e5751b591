"""The words of a note that has none beside it: heard by a machine, kept with the recording's copy, told as such."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tasks import models
from tonewright.corpus.export import write_lines
from tonewright.errors import BadInput
from tonewright.events import NOTE, NewEvent
from tonewright.ledger.leases import Lease
from tonewright.notes.decode import Sound
from tonewright.notes.transcript import WORDS
from tonewright.notes.words import as_json
from tonewright.workspace import Workspace

TRANSCRIPT_SECONDS = 3600.0  # a transcript that arrives makes a new event at once; this is only the fallback


def transcribe(workspace: Workspace, lease: Lease, sound: Sound) -> None:
    """Follow this event by one of the same note with the words that were heard, or wait for the author's.

    A transcript of the author's that arrives meanwhile makes a newer event, and then nothing is written here. Raises
    `BadInput` when nobody speaks.
    """
    payload = lease.event.payload
    path = Path(payload["path"])
    beside = path.with_suffix(".txt").name
    with models.transcriber(workspace) as transcriber:
        if transcriber is None:
            lease.wait(TRANSCRIPT_SECONDS, f"waits for its words: write them into {beside} beside it")
            return
        heard_by = f"{transcriber.name} {transcriber.version}"
        transcript = _heard_before(workspace, payload["version"], heard_by)
        if not transcript:
            words = transcriber.transcribe(sound, path)
            if not words:
                raise BadInput(f"{path} holds no words that {heard_by} could hear", f"write them into {beside}")
            line = as_json(words, heard_by)
            transcript = hashlib.sha256(f"{line}\n".encode()).hexdigest()
            write_lines([line], workspace.folder("store") / transcript)
    told = {**payload, "transcript": transcript, "transcript_kind": WORDS, "heard_by": heard_by}
    identity = f"{payload['version']}+{transcript}"
    with lease.finish(f"heard by {heard_by}; {beside} beside it would take its place") as tx:
        again = NewEvent(NOTE, lease.event.source, f"{identity}@{tx.now}", told)  # it had these words before
        if tx.add(NewEvent(NOTE, lease.event.source, identity, told), parent=lease.event.id) is None:
            tx.add(again, parent=lease.event.id)


def _heard_before(workspace: Workspace, audio: str, heard_by: str) -> str:
    """The words of the same recording under another name or in another folder, as long as their copy is there."""
    for (told,) in workspace.ledger.read(
        "SELECT payload FROM events WHERE kind = ? AND instr(payload, ?) AND instr(payload, ?)",
        (NOTE, audio, json.dumps(heard_by)),
    ):
        transcript = str(json.loads(told)["transcript"])
        if (workspace.folder("store") / transcript).is_file():
            return transcript
    return ""
