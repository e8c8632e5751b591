"""Find a plain version for each passage of one document: the question to which the author's words are the answer."""

from __future__ import annotations

from tasks import models
from tonewright.corpus.plain import keep_plain
from tonewright.hosted.gate import KeptHere
from tonewright.hosted.plain import write_plain
from tonewright.ledger.leases import Lease
from tonewright.workspace import Workspace


def handle(workspace: Workspace, lease: Lease) -> None:
    """Each plain version is kept as soon as it is made, so a killed worker repeats one passage at most."""
    if workspace.config.pairs.use == "none":
        lease.end("done", "no plain versions wanted")
        return
    document = lease.event.payload["document"]
    todo = _without_plain(workspace, document)
    aside = ""
    if workspace.config.pairs.use == "hosted":
        try:
            write_plain(workspace, lease.event.id, document, todo)
        except KeptHere as e:
            aside = f"; not by the hosted model: {e}"
    for text in _without_plain(workspace, document):
        with models.plain_maker(workspace) as maker:
            plain = maker.make(text)
        with workspace.ledger.transaction() as tx:
            keep_plain(tx, maker.name, text, plain)
    with lease.finish(f"{len(todo)} plain version{'s' * (len(todo) != 1)} written{aside}"):
        pass


def _without_plain(workspace: Workspace, document: int) -> list[str]:
    """The passages that nobody made plain yet, in order."""
    return [
        text
        for (text,) in workspace.ledger.read(
            """SELECT t.text FROM passages p JOIN texts t ON t.hash = p.text_hash
               WHERE p.document = ? AND NOT EXISTS (
                   SELECT 1 FROM plain_versions v WHERE v.text_hash = p.text_hash AND v.plain_hash IS NOT NULL)
               GROUP BY t.hash ORDER BY MIN(p.span_start)""",
            (document,),
        )
    ]
