"""Find a plain version for each passage of one document: the question to which the author's words are the answer."""

from __future__ import annotations

from tasks import models
from tonewright.corpus.documents import is_forgotten, keep_text
from tonewright.ledger.leases import Lease
from tonewright.workspace import Workspace


def handle(workspace: Workspace, lease: Lease) -> None:
    """Each plain version is kept as soon as it is made, so a killed worker repeats one passage at most."""
    if workspace.config.pairs.use == "none":
        lease.end("done", "no plain versions wanted")
        return
    todo = _without_plain(workspace, lease.event.payload["document"])
    for name, text in todo:
        with models.plain_maker(workspace) as maker:
            plain = maker.make(text)
        with workspace.ledger.transaction() as tx:
            if is_forgotten(tx, text):
                continue
            tx.execute(
                "INSERT OR IGNORE INTO plain_versions VALUES (?, ?, ?, ?)",
                (name, maker.name, keep_text(tx, plain.text), plain.how),
            )
    with lease.finish(f"{len(todo)} plain version{'s' * (len(todo) != 1)} written"):
        pass


def _without_plain(workspace: Workspace, document: int) -> list[tuple[str, str]]:
    """(hash, text) of the passages that nobody made plain yet."""
    return [
        (name, text)
        for name, text in workspace.ledger.read(
            """SELECT DISTINCT p.text_hash, t.text FROM passages p JOIN texts t ON t.hash = p.text_hash
               WHERE p.document = ? AND NOT EXISTS (
                   SELECT 1 FROM plain_versions v WHERE v.text_hash = p.text_hash AND v.plain_hash IS NOT NULL)
               ORDER BY p.span_start""",
            (document,),
        )
    ]
