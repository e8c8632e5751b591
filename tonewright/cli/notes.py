"""`tonewright notes`: voice notes and how they were said, sentence by sentence."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tonewright.cli import show
from tonewright.errors import UsageError
from tonewright.notes.spoken import Note, notes, spoken
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
    found = notes(workspace.ledger, args.note or "")
    if args.note and not found:
        raise UsageError(f"no voice note's path ends with {args.note!r}", "`tonewright notes` lists them")
    told = [_told(workspace, note, in_full=bool(args.note)) for note in found]
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


def _told(workspace: Workspace, note: Note, *, in_full: bool) -> dict[str, Any]:
    """One note as a record; with `in_full`, its sentences as well."""
    heard = spoken(workspace, note)
    record: dict[str, Any] = {
        "path": note.path,
        "words": note.words,
        "words_by": note.heard_by or "author",
        "audio": note.audio,
        "heard": heard is not None,
    }
    if heard is None:
        return record
    record |= {
        "seconds": heard.seconds,
        "sentences": len(heard.lines),
        "evidence": heard.evidence,
        "speech_without_words": heard.bare,
    }
    if in_full:
        record["measured"] = [
            {"text": s.text, **asdict(s.placed), "evidence": s.evidence, "features": asdict(s.features)}
            for s in heard.lines
        ]
    return record


def _line(note: dict[str, Any]) -> tuple[object, ...]:
    words = f"{note['words']} words" + (f" heard by {note['words_by']}" if note["words_by"] != "author" else "")
    if not note["heard"]:
        return ("", words, "", Path(note["path"]).name, "not listened to yet")
    sentences = f"{note['sentences']} sentence{'s' * (note['sentences'] != 1)}"
    length = f"{note['seconds']:.1f} s"
    return (length, words, sentences, Path(note["path"]).name, note["evidence"])


def _print_sentences(note: dict[str, Any]) -> None:
    print("  ".join(str(cell) for cell in _line(note) if cell))
    rows = []
    for sentence in note.get("measured", []):
        words = sentence["text"]
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
