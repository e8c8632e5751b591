"""One version of one post becomes passages with the tones that the author wrote; or is left out, with the reason."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime

from tonewright.corpus import drafts, fingerprints
from tonewright.corpus.documents import FRONT_MATTER, Document, Excerpt, HandLabel, retire, store
from tonewright.corpus.hand_tags import MARK
from tonewright.errors import BadInput
from tonewright.events import DONE, FAILED, PAIR, PENDING, REFUSED, SUPERSEDED, TAG, Event, NewEvent
from tonewright.ledger.leases import Lease
from tonewright.ledger.store import Transaction
from tonewright.posts.blocks import scan
from tonewright.posts.passages import Passage, split_passages
from tonewright.posts.post import LeftOut, Post, parse, publication
from tonewright.repository import Repository
from tonewright.workspace import Workspace

log = logging.getLogger("tonewright.tasks")
_SHORT = {"prose": "too short or no sentence"}
LONGEST_WAIT_SECONDS = 86400.0  # a post for the year after next is looked at once a day


def handle(workspace: Workspace, lease: Lease) -> None:
    """Read, decide, split, store: in that order, and only if this is still what the post says."""
    payload = lease.event.payload
    if not _is_current(workspace, payload):
        lease.end(SUPERSEDED, "a newer version has been seen")
        return
    if not payload["version"]:
        with lease.finish("gone from the blog, so gone from the corpus") as tx:
            retire(tx, payload["origin"], payload["place"], payload["path"])
        return
    if payload.get("guest"):
        _leave_out(
            lease, LeftOut(f"its last change is by {payload['guest']}; blog.authors says whose commits are yours")
        )
        return
    try:
        post = parse(_read(workspace, payload), payload["path"])
        public = publication(post, datetime.now().astimezone(), workspace.config.blog.drafts)
        passages = [] if isinstance(public, LeftOut) else split_passages(post, workspace.vocabulary)
    except BadInput as e:  # who knows whether it was meant to be private: what it said before goes as well
        log.warning("%s", e)
        with lease.finish(str(e), FAILED) as tx:
            retire(tx, payload["origin"], payload["place"], payload["path"])
        return
    if isinstance(public, LeftOut):
        _leave_out(lease, public)
        return
    _take(workspace, lease, post, passages)


def _take(workspace: Workspace, lease: Lease, post: Post, passages: list[Passage]) -> None:
    """Store what is the author's own, and the author's corrections of what is ours."""
    found = drafts.origins(workspace.ledger, [passage.text for passage in passages])
    told = [_excerpt(passage) for passage in passages]
    excerpts = [excerpt for excerpt in told if not found[excerpt.text].ours]
    summary = None if post.summary is None or _is_ours(workspace, post.summary) else post.summary
    tagged = sum(1 for e in excerpts if e.labels)
    note = f"{len(excerpts)} passage{'s' * (len(excerpts) != 1)}, {tagged} tagged by hand"
    left_out = len(passages) - len(excerpts) + (summary != post.summary)
    if left_out:
        note += f"; {left_out} left out: the model's words, not the author's"
    corrected = sum(1 for excerpt in told if found[excerpt.text].draft)
    if corrected:
        note += f" ({corrected} of them corrected by the author)"
    state = DONE
    if not passages and post.summary is None:
        note, state = f"it holds no paragraph of your own to learn from ({_instead(post)})", REFUSED
    with lease.finish(note, state) as tx:
        document = store(tx, lease.event.id, _document(lease.event.payload, post, summary), excerpts)
        drafts.keep_corrections(tx, document, told, found)
        if state == DONE:
            follow_up(tx, lease.event, document)


def _instead(post: Post) -> str:
    """What a post without a passage holds: "code 3, quote 1"."""
    counts = Counter(_SHORT.get(block.kind, block.kind) for block in scan(post.text, post.body_start))
    return ", ".join(f"{kind} {number}" for kind, number in counts.most_common()) or "it is empty"


def follow_up(tx: Transaction, event: Event, document: int) -> None:
    """What every new document needs: suggestions for its tones, and plain versions."""
    for kind in (TAG, PAIR):
        tx.add(NewEvent(kind, event.source, f"document {document}", {"document": document}), parent=event.id)


def _is_current(workspace: Workspace, payload: dict[str, str]) -> bool:
    """Whether the scanners still see this version; events may be worked on in any order."""
    rows = workspace.ledger.read(
        "SELECT blob FROM current_posts WHERE repository = ? AND path = ?",
        (payload["place"], payload["path"]),
    )
    return (rows[0][0] if rows else "") == payload["version"]


def _read(workspace: Workspace, payload: dict[str, str]) -> bytes:
    if payload["origin"] == "git":
        return Repository(workspace.root).read_blob(payload["version"])
    return (workspace.folder("store") / payload["version"]).read_bytes()


def _leave_out(lease: Lease, why: LeftOut) -> None:
    """Take an earlier, public version out of the corpus, and wait for the day if there is one."""
    payload = lease.event.payload
    state, seconds = REFUSED, 0.0
    if why.until is not None:
        state = PENDING
        seconds = min(LONGEST_WAIT_SECONDS, max(1.0, why.until.timestamp() - datetime.now().timestamp()))
    with lease.finish(why.reason, state, seconds) as tx:
        retire(tx, payload["origin"], payload["place"], payload["path"])


def _is_ours(workspace: Workspace, text: str) -> bool:
    return fingerprints.share_written(workspace.ledger, text) >= fingerprints.OURS


def _document(payload: dict[str, str], post: Post, summary: str | None) -> Document:
    return Document(
        origin=payload["origin"],
        place=payload["place"],
        path=payload["path"],
        version=payload["version"],
        commit=payload["commit"],
        slug=post.slug,
        title=post.title,
        written=post.date.isoformat() if post.date else "",
        summary=summary,
    )


def _excerpt(passage: Passage) -> Excerpt:
    labels = [
        HandLabel(span.tone, FRONT_MATTER if span.form == FRONT_MATTER else MARK, span.start, span.end)
        for span in passage.tone_spans
    ]
    return Excerpt(passage.start, passage.end, passage.line, passage.text, labels)
