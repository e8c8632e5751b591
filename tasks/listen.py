"""Listen to how a note was said: numbers per sentence, what is unusual about them, and sometimes a hint of a tone."""

from __future__ import annotations

import time
from pathlib import Path

from tasks.take_note import naming
from tonewright.events import SUPERSEDED
from tonewright.ledger.leases import Lease
from tonewright.ledger.store import Transaction
from tonewright.notes import kept
from tonewright.notes.baseline import Baseline, baseline
from tonewright.notes.decode import decode
from tonewright.notes.evidence import Hint, about, hint
from tonewright.notes.prosody import EXTRACTOR, Heard, hear
from tonewright.notes.transcript import read_transcript
from tonewright.workspace import Workspace

SOURCE = f"prosody {EXTRACTOR}"
_IS_LIVE = "SELECT 1 FROM documents WHERE id = ? AND live = 1"


def handle(workspace: Workspace, lease: Lease) -> None:
    """Measure the note, compare it with earlier ones, and keep numbers and hints; its words are not touched."""
    payload = lease.event.payload
    document, audio, words = payload["document"], payload["version"], payload["transcript"]
    if not workspace.ledger.read(_IS_LIVE, (document,)):
        lease.end(SUPERSEDED, "the note has changed or moved since")
        return
    store = workspace.folder("store")
    with naming(Path(payload["path"]), store / audio):
        sound = decode(store / audio)
    heard = hear(sound.samples, sound.rate, read_transcript(store / words, kind=payload["transcript_kind"]))
    usual = baseline(kept.earlier(workspace.ledger, audio, time.time()))
    hints = _hints(workspace, document, heard, usual)
    with lease.finish(_told(heard, usual, hints)) as tx:
        if tx.execute(_IS_LIVE, (document,)).fetchone():  # the author may have had it forgotten meanwhile
            kept.keep(tx, audio, words, heard)
            _keep_hints(tx, document, hints)


def catch_up(workspace: Workspace) -> list[int]:
    """Wish for notes that came in before this extractor did; returns the new events."""
    wishes = kept.unheard(workspace.ledger)
    if not wishes:
        return []
    with workspace.ledger.transaction() as tx:
        for note, wish in wishes:
            tx.add(wish, parent=note)
        return tx.added


def _hints(workspace: Workspace, document: int, heard: Heard, usual: Baseline) -> dict[tuple[int, str], Hint]:
    """{(passage id, text hash): hint} for the passages whose sentences agree on one."""
    found = {}
    measured = list(zip(heard.placing.sentences, heard.features))
    for passage, name, start, end in workspace.ledger.read(
        "SELECT id, text_hash, span_start, span_end FROM passages WHERE document = ?", (document,)
    ):
        own = [(f, p.confidence) for p, f in measured if start <= p.start and p.end <= end]
        hinted = hint(usual, own, workspace.vocabulary.names, workspace.config.tagger.threshold)
        if hinted is not None:
            found[passage, name] = hinted
    return found


def _keep_hints(tx: Transaction, document: int, hints: dict[tuple[int, str], Hint]) -> None:
    """Hints stand beside what the tagger says of the words, in place of what an earlier listening hinted at."""
    tx.execute(
        """DELETE FROM labels WHERE origin = 'machine' AND source = ?
           AND passage IN (SELECT id FROM passages WHERE document = ?)""",
        (SOURCE, document),
    )
    for (passage, name), found in hints.items():
        tx.execute(
            """INSERT INTO labels(text_hash, passage, origin, source, tone, confidence, evidence, created)
               VALUES (?, ?, 'machine', ?, ?, ?, ?, ?)""",
            (name, passage, SOURCE, found.tone, found.confidence, found.evidence, tx.now),
        )


def _told(heard: Heard, usual: Baseline, hints: dict[tuple[int, str], Hint]) -> str:
    """The event's note: how it was said, what may be missing, what was hinted at."""
    flagged = [p for p in heard.placing.sentences if p.flag]
    parts = [f"{len(heard.features)} sentence{'s' * (len(heard.features) != 1)}: {about(usual, heard.features)}"]
    parts += [f"{len(flagged)} of them doubtful ({flagged[0].flag})"] if flagged else []
    parts += [f"no words for {b - a:.1f} s of speech at {a:.1f} s" for a, b in heard.placing.bare]
    parts += [f"sounds {h.tone} ({h.confidence:.2f}, too little to decide)" for h in hints.values()]
    return "; ".join(parts)
