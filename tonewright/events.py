"""What an event is: its kind, where it came from, its key, and the states that it passes through."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

# pending ─ leased ─┬ done         its effects are in the database, written in the same transaction
#    ▲              ├ refused      left out on purpose (a draft, somebody else's text, the gate): `note` says why
#    └─ back-off ───┼ failed       given up after `MAX_ATTEMPTS`; `tonewright retry` makes it pending again
#                   └ superseded   a newer version of the same source has taken its place
PENDING = "pending"
LEASED = "leased"
DONE = "done"
FAILED = "failed"
REFUSED = "refused"
SUPERSEDED = "superseded"

POST = "post"  # one version of one post: from a commit, or from a plain folder
NOTE = "note"  # one voice note, with the transcript that it had
REVISION = "revision"  # the author's edit of a post, from one version to the next
TAG = "tag"  # suggest tones for the passages of one document
PAIR = "pair"  # find plain versions for the passages of one document
PROSODY = "prosody"  # listen to how a note was said
PUSH = "push"  # a branch reached a remote
RETRAIN = "retrain"  # from a snapshot to a verdict


@dataclass(frozen=True)
class NewEvent:
    """Something that happened and is not in the ledger yet.

    `identity` names this very content (a blob id, a hash, a version): the same kind, source and identity is the
    same event however often it is reported.
    """

    kind: str
    source: str
    identity: str
    payload: dict[str, Any]

    @property
    def key(self) -> str:
        """The ledger's primary idea: equal keys are one event."""
        material = json.dumps([self.kind, self.source, self.identity], ensure_ascii=False)
        return hashlib.sha256(material.encode()).hexdigest()


@dataclass(frozen=True)
class Event:
    """One row of the ledger."""

    id: int
    key: str
    kind: str
    source: str
    payload: dict[str, Any]
    state: str
    attempts: int
    deaths: int
    next_at: float
    note: str
    parent: int | None
    created: float
    updated: float
