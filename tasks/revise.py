"""The author's edit of a post becomes pairs of passages, before and after."""

from __future__ import annotations

from datetime import datetime

from tonewright.corpus.revisions import edits, store
from tonewright.errors import BadInput
from tonewright.events import REFUSED
from tonewright.ledger.leases import Lease
from tonewright.posts.passages import split_passages
from tonewright.posts.post import LeftOut, Post, opted_out, parse, publication
from tonewright.repository import Repository
from tonewright.workspace import Workspace


def handle(workspace: Workspace, lease: Lease) -> None:
    """Read both versions, pair their passages, store. A draft may be the version before, never the one after."""
    payload = lease.event.payload
    repository = Repository(workspace.root)
    try:
        old = parse(repository.read_blob(payload["old_blob"]), payload["old_path"])
        new = parse(repository.read_blob(payload["blob"]), payload["path"])
        public = publication(new, datetime.now().astimezone(), workspace.config.blog.drafts)
        found = edits(_texts(workspace, old), _texts(workspace, new))
    except BadInput as e:  # the post itself fails visibly if this is how it stands now; an older slip is history
        lease.end(REFUSED, str(e))
        return
    kept = public.reason if isinstance(public, LeftOut) else opted_out(old)
    if kept:
        lease.end(REFUSED, kept)
        return
    with lease.finish(f"{len(found)} passage{'s' * (len(found) != 1)} edited") as tx:
        store(tx, payload, found)


def _texts(workspace: Workspace, post: Post) -> list[str]:
    return [passage.text for passage in split_passages(post, workspace.vocabulary)]
