"""Suggest a tone for each passage of one document that no tagger of this version has seen yet."""

from __future__ import annotations

from tasks import models
from tonewright.hosted import tagging
from tonewright.hosted.gate import KeptHere
from tonewright.ledger.leases import Lease
from tonewright.notes import kept
from tonewright.notes.extractors import make_extractor
from tonewright.tones.tagger import Suggestion
from tonewright.workspace import Workspace


def handle(workspace: Workspace, lease: Lease) -> None:
    """Suggestions become machine labels beside the hand's; a tagger that is not sure writes none."""
    document = lease.event.payload["document"]
    passages = workspace.ledger.read(
        "SELECT p.id, p.text_hash, t.text FROM passages p JOIN texts t ON t.hash = p.text_hash WHERE p.document = ?",
        (document,),
    )
    if workspace.config.tagger.use == "none" or not passages:
        lease.end("done", "no tagger" if passages else "no passages")
        return
    suggestions, source, aside = _suggest(workspace, lease, [text for _, _, text in passages])
    sure = [s for s in suggestions if s.tone is not None]
    with lease.finish(f"{len(sure)} of {len(passages)} passages given a tone by {source}{aside}") as tx:
        for (passage, name, _), suggestion in zip(passages, suggestions):
            if suggestion.tone is not None:
                tx.execute(
                    """INSERT OR IGNORE INTO
                       labels(text_hash, passage, origin, source, tone, confidence, evidence, created)
                       VALUES (?, ?, 'machine', ?, ?, ?, ?, ?)""",
                    (name, passage, source, *_columns(suggestion), tx.now),
                )
        if sure:
            kept.weigh_again(tx, document, make_extractor(workspace.config.notes.extractor).id, source)


def _suggest(workspace: Workspace, lease: Lease, texts: list[str]) -> tuple[list[Suggestion], str, str]:
    """Suggestions, who made them, and why not the hosted model if that was to make them."""
    aside = ""
    if workspace.config.tagger.use == "hosted":
        try:
            return (*tagging.suggest(workspace, lease.event.id, lease.event.payload["document"], texts), aside)
        except KeptHere as e:
            aside = f"; not by the hosted model: {e}"
    with models.tagger(workspace, hand_labels(workspace)) as tagger:
        return tagger.suggest(texts), f"{tagger.name} {tagger.version}".strip(), aside


def hand_labels(workspace: Workspace) -> list[tuple[str, str]]:
    """(text, tone) of everything that the author tagged, for the tagger to learn from; a tag overrules the rest."""
    return [
        (text, tone)
        for text, tone in workspace.ledger.read(
            """SELECT DISTINCT t.text, l.tone FROM labels l JOIN texts t ON t.hash = l.text_hash
               WHERE l.origin = 'hand' AND (l.source = 'tag' OR NOT EXISTS
                   (SELECT 1 FROM labels n WHERE n.passage = l.passage AND n.source = 'tag')) ORDER BY l.id"""
        )
    ]


def _columns(suggestion: Suggestion) -> tuple[str | None, float, str]:
    return suggestion.tone, suggestion.confidence, suggestion.evidence
