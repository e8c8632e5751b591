"""Where and how a note's passages were said, for whoever reads the corpus: recording, seconds, numbers, evidence."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tonewright.corpus.rows import Row
from tonewright.ledger.store import Ledger
from tonewright.notes.proposal import ALONE, TOGETHER

AUTHOR = "author"  # who wrote the words, where no machine heard them


def with_recordings(ledger: Ledger, rows: list[Row]) -> list[Row]:
    """The same rows; those of notes with `recording` in their source.

    It holds `audio` (sha256 of the recording), `words_by`, and once somebody has listened also `begin` and `until`
    (seconds), `sentences` (place and raw numbers of each, with their extractor) and `evidence` in words.
    """
    if not any(row.source["origin"] == "note" for row in rows):
        return rows
    heard, words_by, evidence = _sentences(ledger), _words_by(ledger), _evidence(ledger)
    told = []
    for row in rows:
        where = row.source
        if where["origin"] == "note":
            version, start, end = where["version"], where["start"], where["end"]
            recording: dict[str, Any] = {"audio": version.split("+")[0], "words_by": words_by.get(version, AUTHOR)}
            own = [s for s in heard.get(version, []) if start <= s["start"] and s["end"] <= end]
            if own:
                recording |= {"begin": own[0]["begin"], "until": own[-1]["until"], "sentences": own}
                recording |= {"evidence": evidence.get((version, start, end), "")}
            row = replace(row, source={**where, "recording": recording})
        told.append(row)
    return told


def _sentences(ledger: Ledger) -> dict[str, list[dict[str, Any]]]:
    """{version of a note: its sentences as they were last listened to, in order}."""
    found: dict[str, list[dict[str, Any]]] = {}
    for version, extractor, start, end, begin, until, confidence, flag, certainty, features in ledger.read(
        """SELECT h.audio || '+' || h.transcript, extractor, span_start, span_end, begin_s, until_s, confidence, flag,
               certainty, features FROM heard h JOIN prosody USING (audio, transcript, extractor)
           WHERE h.at = (SELECT max(at) FROM heard l WHERE l.audio = h.audio AND l.transcript = h.transcript)
           ORDER BY h.audio, h.transcript, span_start"""
    ):
        numbers = {name: value for name, value in json.loads(features).items() if name != "contour"}
        where = {"start": start, "end": end, "begin": begin, "until": until}
        trust = {"confidence": confidence, "flag": flag, "certainty": certainty}
        found.setdefault(version, []).append({**where, **trust, "extractor": extractor, "features": numbers})
    return found


def _words_by(ledger: Ledger) -> dict[str, str]:
    """{version of a note: who heard its words}, for those that a machine heard."""
    return {
        version: told
        for version, payload in ledger.read(
            """SELECT d.version, e.payload FROM documents d JOIN events e ON e.id = d.event
               WHERE d.origin = 'note' AND d.live = 1"""
        )
        if (told := json.loads(payload).get("heard_by"))
    }


def _evidence(ledger: Ledger) -> dict[tuple[str, int, int], str]:
    """{(version, start, end) of a note's passage: why its voice, alone or with the words, supports a tone}."""
    return {
        (version, start, end): f"{tone}: {why}"
        for version, start, end, tone, why in ledger.read(
            """SELECT d.version, p.span_start, p.span_end, l.tone, l.evidence FROM labels l
               JOIN passages p ON p.id = l.passage JOIN documents d ON d.id = p.document AND d.origin = 'note'
               WHERE l.origin = 'machine' AND (l.source LIKE ? || ' %' OR l.source LIKE ? || ' %') ORDER BY l.id""",
            (ALONE, TOGETHER),
        )
    }
