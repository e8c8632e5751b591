"""`tonewright notes`: voice notes and how they were said, sentence by sentence."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tonewright.cli import show
from tonewright.errors import BadInput, UsageError
from tonewright.notes import kept
from tonewright.notes.baseline import baseline
from tonewright.notes.evidence import about
from tonewright.notes.transcript import read_transcript
from tonewright.workspace import Workspace, open_workspace

_LEAST_SPAN = 6.0  # semitones that the whole height shows; less movement than that should look flat
_TEXT_WIDTH = 48


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("note", nargs="?", help="the end of a recording's path, for its sentences")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit code 2 when there is no such note."""
    workspace = open_workspace()
    notes = _notes(workspace, args.note or "")
    if args.note and not notes:
        raise UsageError(f"no voice note's path ends with {args.note!r}", "`tonewright notes` lists them")
    told = [_told(workspace, *note, in_full=bool(args.note)) for note in notes]
    if args.json:
        show.as_json({"notes": told})
    elif not told:
        print("no voice notes yet: notes.folders in tonewright.toml says where they come from")
    elif args.note:
        for note in told:
            _print_sentences(note)
    else:
        show.table([_line(note) for note in told], indent="")
    return 0


def _notes(workspace: Workspace, ending: str) -> list[tuple[str, str, str, str, int]]:
    """(path, audio, transcript, its kind, words) of live notes whose path ends so, the latest last."""
    rows = workspace.ledger.read(
        """SELECT d.path, d.version, e.payload, (SELECT sum(words) FROM passages WHERE document = d.id)
           FROM documents d JOIN events e ON e.id = d.event
           WHERE d.origin = 'note' AND d.live = 1 AND (? = '' OR substr(d.path, -length(?)) = ?) ORDER BY d.id""",
        (ending, ending, ending),
    )
    return [
        (path, *version.split("+", 1), json.loads(payload)["transcript_kind"], words or 0)
        for path, version, payload, words in rows
    ]


def _told(
    workspace: Workspace, path: str, audio: str, transcript: str, kind: str, words: int, *, in_full: bool
) -> dict[str, Any]:
    """One note as a record; with `in_full`, its sentences as well."""
    hearing = kept.hearing(workspace.ledger, audio, transcript)
    record: dict[str, Any] = {"path": path, "words": words, "audio": audio, "heard": hearing is not None}
    if hearing is None:
        return record
    measured = kept.sentences(workspace.ledger, audio, transcript)
    usual = baseline(kept.earlier(workspace.ledger, audio, hearing.at))
    record |= {
        "seconds": hearing.seconds,
        "sentences": len(measured),
        "evidence": about(usual, [s.features for s in measured]),
        "speech_without_words": hearing.bare,
    }
    if in_full:
        text = _text(workspace.folder("store") / transcript, kind)
        record["measured"] = [
            {
                "text": text[s.placed.start : s.placed.end],
                **asdict(s.placed),
                "evidence": about(usual, [s.features]) if usual.is_known else "",
                "features": asdict(s.features),
            }
            for s in measured
        ]
    return record


def _text(transcript: Path, kind: str) -> str:
    """What was said; "" once the author has had it forgotten."""
    try:
        return read_transcript(transcript, kind=kind).text
    except (FileNotFoundError, BadInput):
        return ""


def _line(note: dict[str, Any]) -> tuple[object, ...]:
    if not note["heard"]:
        return ("", f"{note['words']} words", "", Path(note["path"]).name, "not listened to yet")
    sentences = f"{note['sentences']} sentence{'s' * (note['sentences'] != 1)}"
    length = f"{note['seconds']:.1f} s"
    return (length, f"{note['words']} words", sentences, Path(note["path"]).name, note["evidence"])


def _print_sentences(note: dict[str, Any]) -> None:
    print("  ".join(str(cell) for cell in _line(note) if cell))
    rows = []
    for sentence in note.get("measured", []):
        words = " ".join(sentence["text"].split())
        text = words if len(words) <= _TEXT_WIDTH else words[: _TEXT_WIDTH - 1].rstrip() + "…"
        measures = _measures(sentence["features"])
        said = sentence["flag"] or sentence["evidence"]
        rows.append(
            (
                f"{sentence['begin']:6.1f}",
                show.sparkline(sentence["features"]["contour"], _LEAST_SPAN),
                *measures,
                text,
                said,
            )
        )
    show.table(rows)
    for begin, until in note.get("speech_without_words", []):
        print(f"  {begin:6.1f}  {until - begin:.1f} s of speech that no word covers")


def _measures(features: dict[str, Any]) -> tuple[str, str, str]:
    """Pitch, its range and the pace, as a person reads them."""
    middle, span, pace = features["f0_median"], features["f0_range"], features["rate"]
    return (
        f"{100 * 2 ** (middle / 12):3.0f} Hz" if middle is not None else "",
        f"{span:4.1f} st" if span is not None else "",
        f"{pace:.1f}/s" if pace is not None else "",
    )
