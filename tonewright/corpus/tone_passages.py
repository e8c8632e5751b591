"""What the tones of one blog are derived from: the shipped exemplars, and what the author's own hand has tagged."""

from __future__ import annotations

from collections import defaultdict

from tonewright.corpus.rows import REWRITE, collect
from tonewright.tones.passages import Passage, comparable, shipped_passages
from tonewright.workspace import Workspace

NEWEST = 60  # of the author's passages per tone: more take longer and turn nothing
LONGEST = 350  # words of a passage with its plain version


def tone_passages(workspace: Workspace) -> list[Passage]:
    """The exemplars, and the author's passages for training with a tone from the author's hand and a plain version."""
    by_tone: dict[str, list[Passage]] = defaultdict(list)
    for row in collect(workspace.ledger, workspace.config):
        if row.kind == REWRITE and row.tone and row.tone_by == "hand" and not row.held_out:
            by_tone[row.tone].append(Passage(row.source_text, row.answer, row.tone, True))
    own = [passage for found in by_tone.values() for passage in found[-NEWEST:]]
    short = [p for p in own if len(p.plain.split()) + len(p.text.split()) <= LONGEST]
    return comparable([*shipped_passages(workspace.vocabulary), *short])
