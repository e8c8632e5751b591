"""Listen to how a note was said: numbers per sentence, what is unusual about them, and sometimes a tone to propose."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import fmean
from typing import Any

from tasks.take_note import naming
from tonewright.events import SUPERSEDED
from tonewright.ledger.leases import Lease
from tonewright.ledger.store import Transaction
from tonewright.notes import kept
from tonewright.notes.baseline import Baseline, baseline
from tonewright.notes.decode import decode
from tonewright.notes.evidence import Hint, about
from tonewright.notes.extractors import Extractor, make_extractor
from tonewright.notes.placing import Placing
from tonewright.notes.proposal import ALONE, TOGETHER, TextCue, propose
from tonewright.notes.prosody import Heard, hear
from tonewright.notes.transcript import read_transcript
from tonewright.workspace import Workspace

_IS_LIVE = "SELECT 1 FROM documents WHERE id = ? AND live = 1"
_OURS = f"(source LIKE '{ALONE} %' OR source LIKE '{TOGETHER} %')"

Proposals = dict[tuple[int, str], tuple[Hint, bool]]  # {(passage id, text hash): (hint, words and voice agree)}


def handle(workspace: Workspace, lease: Lease) -> None:
    """Measure the note, compare it with earlier ones, and keep numbers and proposals; its words are not touched.

    A note that this extractor has heard already is only compared again: a tagger has spoken of its words meanwhile.
    """
    payload = lease.event.payload
    document, audio, words = payload["document"], payload["version"], payload["transcript"]
    if not workspace.ledger.read(_IS_LIVE, (document,)):
        lease.end(SUPERSEDED, "the note has changed or moved since")
        return
    extractor = make_extractor(workspace.config.notes.extractor)
    before = kept.hearing(workspace.ledger, audio, words, extractor.id)
    heard = _measured(workspace, payload, extractor) if before is None else _known(workspace, payload, before)
    usual = baseline(kept.earlier(workspace.ledger, audio, before.at if before else time.time(), extractor.id))
    proposals = _proposals(workspace, document, heard, usual)
    with lease.finish(_told(heard, usual, proposals)) as tx:
        if tx.execute(_IS_LIVE, (document,)).fetchone():  # the author may have had it forgotten meanwhile
            if before is None:
                kept.keep(tx, audio, words, extractor.id, heard)
            _keep_proposals(tx, document, proposals, extractor.id)


def catch_up(workspace: Workspace) -> list[int]:
    """Wish for notes that the configured extractor has not heard; returns the new events."""
    wishes = kept.unheard(workspace.ledger, make_extractor(workspace.config.notes.extractor).id)
    if not wishes:
        return []
    with workspace.ledger.transaction() as tx:
        for note, wish in wishes:
            tx.add(wish, parent=note)
        return tx.added


def _measured(workspace: Workspace, payload: dict[str, Any], extractor: Extractor) -> Heard:
    store = workspace.folder("store")
    with naming(Path(payload["path"]), store / payload["version"]):
        sound = decode(store / payload["version"], workspace.config.notes.longest_minutes * 60)
    transcript = read_transcript(store / payload["transcript"], kind=payload["transcript_kind"])
    return hear(sound.samples, sound.rate, transcript, extractor.track)


def _known(workspace: Workspace, payload: dict[str, Any], before: kept.Hearing) -> Heard:
    sentences = kept.sentences(workspace.ledger, payload["version"], payload["transcript"], before.extractor)
    return Heard(before.seconds, Placing([s.placed for s in sentences], before.bare), [s.features for s in sentences])


def _proposals(workspace: Workspace, document: int, heard: Heard, usual: Baseline) -> Proposals:
    """What the passages' sentences and the tagger's word about them add up to, where they do."""
    found = {}
    tones, threshold = workspace.vocabulary.names, workspace.config.tagger.threshold
    measured = list(zip(heard.placing.sentences, heard.features))
    said = _said(workspace, document)
    for passage, name, start, end in workspace.ledger.read(
        "SELECT id, text_hash, span_start, span_end FROM passages WHERE document = ?", (document,)
    ):
        own = [(p, f) for p, f in measured if start <= p.start and p.end <= end]
        cue = None
        if own and passage in said:
            cue = TextCue(*said[passage], certainty=fmean(p.certainty for p, _ in own))
        proposed = propose(cue, usual, [(f, p.confidence) for p, f in own], tones, threshold)
        if proposed is not None:
            found[passage, name] = proposed
    return found


def _said(workspace: Workspace, document: int) -> dict[int, tuple[str, float]]:
    """{passage id: (tone, confidence)} of what the tagger that spoke last made of the words."""
    return {
        passage: (tone, confidence or 0.0)
        for passage, tone, confidence in workspace.ledger.read(
            f"""SELECT passage, tone, confidence FROM labels WHERE origin = 'machine' AND NOT {_OURS}
                AND passage IN (SELECT id FROM passages WHERE document = ?) ORDER BY id""",  # noqa: S608 - a constant
            (document,),
        )
    }


def _keep_proposals(tx: Transaction, document: int, proposals: Proposals, extractor: str) -> None:
    """They stand beside what the tagger says of the words, in place of what an earlier listening came to."""
    tx.execute(
        f"""DELETE FROM labels WHERE origin = 'machine' AND {_OURS}
            AND passage IN (SELECT id FROM passages WHERE document = ?)""",  # noqa: S608 - a constant
        (document,),
    )
    for (passage, name), (found, together) in proposals.items():
        source = f"{TOGETHER if together else ALONE} {extractor}"
        tx.execute(
            """INSERT INTO labels(text_hash, passage, origin, source, tone, confidence, evidence, created)
               VALUES (?, ?, 'machine', ?, ?, ?, ?, ?)""",
            (name, passage, source, found.tone, found.confidence, found.evidence, tx.now),
        )


def _told(heard: Heard, usual: Baseline, proposals: Proposals) -> str:
    """The event's note: how it was said, what may be missing, what is proposed."""
    flagged = [p for p in heard.placing.sentences if p.flag]
    parts = [f"{len(heard.features)} sentence{'s' * (len(heard.features) != 1)}: {about(usual, heard.features)}"]
    parts += [f"{len(flagged)} of them doubtful ({flagged[0].flag})"] if flagged else []
    parts += [f"no words for {b - a:.1f} s of speech at {a:.1f} s" for a, b in heard.placing.bare]
    for hint, together in proposals.values():
        how = "words and voice agree" if together else "too little to decide"
        parts.append(f"sounds {hint.tone} ({hint.confidence:.2f}, {how})")
    return "; ".join(parts)
