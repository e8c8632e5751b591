"""Many passages in one file of requests, answered within a day for half the price, and never submitted twice.

Events put their passages down as wishes and wait. Whoever comes by next moves the open batches on:

    wishes ─ intent ─ submitted ─ ended      every line of the file is a row of the outbox from `intent` on

`intent` is written before anything is sent, under the hash of the file, which the host keeps with the batch. Whoever
finds an intent that is older than a submission can take asks the host for that name first, so a worker may be killed
at any moment.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tonewright.config.schema import Hosted
from tonewright.corpus.documents import text_hash
from tonewright.errors import ConfigError, TryLater
from tonewright.hosted import budget, client
from tonewright.hosted.asking import entries, ids_of, settle
from tonewright.hosted.batch_file import (
    Line,
    Work,
    answers_in,
    file_of,
    hashes_of,
    lines_for,
    lines_of,
    name_of,
    open_wishes,
    still_allowed,
)
from tonewright.hosted.budget import Leaving, OverBudget
from tonewright.hosted.client import Unanswered
from tonewright.hosted.endpoint import Endpoint
from tonewright.ledger.store import Transaction
from tonewright.workspace import Workspace

LOOK_SECONDS = 60.0  # between two looks at a batch
_WAITING = """SELECT COUNT(*) FROM batch_wishes w LEFT JOIN batches b ON b.id = w.batch
    WHERE w.asked = ? AND COALESCE(b.state, '') != 'ended' AND w.text_hash IN (SELECT value FROM json_each(?))"""


def join(workspace: Workspace, endpoint: Endpoint, event: int, work: Work, missing: Sequence[str]) -> None:
    """Return when these passages are to be asked about at once, or are answered; raises `TryLater` until then.

    They wait while `hosted.batch_from` passages or more wait for a tone, and only once: what a batch left unanswered
    is asked for directly. Raises `OverBudget` when the caps have no room for the batch.
    """
    hashes = [text_hash(text) for text in missing]
    if not _wish(workspace, event, work, hashes):
        return
    _advance(workspace, endpoint, work)
    waiting = workspace.ledger.read(_WAITING, (work.asked, json.dumps(hashes)))[0][0]
    if waiting:
        raise TryLater(f"waits for a batch: {waiting} of its passages are in it", seconds=LOOK_SECONDS)


def _wish(workspace: Workspace, event: int, work: Work, hashes: Sequence[str]) -> bool:
    """Whether any of these passages waits for a batch, after putting down those that should."""
    least = workspace.config.hosted.batch_from
    with workspace.ledger.transaction() as tx:
        waiting = tx.execute(
            """SELECT COUNT(*) FROM events e JOIN passages p ON p.document = json_extract(e.payload, '$.document')
               WHERE e.kind = 'tag' AND e.state IN ('pending', 'leased')""",
        ).fetchone()[0]
        if least and waiting >= least:
            for name in hashes:
                tx.execute(
                    "INSERT OR IGNORE INTO batch_wishes(text_hash, asked, event, at) VALUES (?, ?, ?, ?)",
                    (name, work.asked, event, tx.now),
                )
        return bool(tx.execute(_WAITING, (work.asked, json.dumps(hashes))).fetchone()[0])


def _advance(workspace: Workspace, endpoint: Endpoint, work: Work) -> None:
    """Move every open batch on by one step, and start another when enough has been wished for."""
    try:
        for batch, name, state, remote in workspace.ledger.read(
            "SELECT id, name, state, remote FROM batches WHERE asked = ? AND state != 'ended'", (work.asked,)
        ):
            if state == "intent":
                _take_up(workspace, endpoint, work, batch, name)
            else:
                _collect(workspace, endpoint, work, batch, remote)
        _start(workspace, endpoint, work)
    except Unanswered as e:
        raise TryLater(str(e), seconds=e.pause or LOOK_SECONDS) from e


def _start(workspace: Workspace, endpoint: Endpoint, work: Work) -> None:
    """Reserve every line and write the intent in one transaction, then submit."""
    settings = workspace.config.hosted
    wishes = open_wishes(workspace, work)
    if not any(old for _, _, old in wishes):
        return
    lines = lines_for(workspace, endpoint, work, still_allowed(workspace, wishes))
    if not lines:
        return
    try:
        with workspace.ledger.transaction() as tx:
            if _are_taken(tx, work, lines):
                return  # somebody else was faster
            batch = _write_intent(tx, settings, endpoint, work, lines)
    except OverBudget:
        with workspace.ledger.transaction() as tx:
            tx.execute("DELETE FROM batch_wishes WHERE asked = ? AND batch IS NULL", (work.asked,))
        raise
    _submit(workspace, endpoint, batch, lines)


def _write_intent(tx: Transaction, settings: Hosted, endpoint: Endpoint, work: Work, lines: Sequence[Line]) -> int:
    prices = budget.prices_of(settings, endpoint, batch=True)
    name = name_of(lines)
    (batch,) = tx.execute(
        "INSERT INTO batches(name, asked, state, looked, created) VALUES (?, ?, 'intent', ?, ?) RETURNING id",
        (name, work.asked, tx.now, tx.now),
    ).fetchone()
    for number, line in enumerate(lines):
        body, most = line.request.body, line.request.most(prices)
        leaving = Leaving(work.question.purpose, settings.model, body, most, line.event, batch)
        budget.take(tx, settings, endpoint, leaving)
        tx.execute(
            """UPDATE batch_wishes SET batch = ?, line = ?
               WHERE asked = ? AND text_hash IN (SELECT value FROM json_each(?))""",
            (batch, number, work.asked, json.dumps(line.hashes)),
        )
    return int(batch)


def _submit(workspace: Workspace, endpoint: Endpoint, batch: int, lines: Sequence[Line]) -> None:
    try:
        remote = client.submit_batch(endpoint, name_of(lines), file_of(lines))
    except ConfigError:  # a host without batches: every passage is asked for directly
        _end(workspace, batch, "the host takes no batches")
        return
    _submitted(workspace, batch, remote)


def _take_up(workspace: Workspace, endpoint: Endpoint, work: Work, batch: int, name: str) -> None:
    """An intent without a batch: its worker is at it, or died before or after the host heard of it."""
    with workspace.ledger.transaction() as tx:
        mine = tx.execute(
            "UPDATE batches SET looked = ?1 WHERE id = ?2 AND state = 'intent' AND looked < ?3 RETURNING id",
            (tx.now, batch, tx.now - 2 * endpoint.timeout),
        ).fetchone()
    if mine is None:
        return
    remote = client.find_batch(endpoint, name)
    if remote:
        _submitted(workspace, batch, remote)
        return
    lines = lines_of(workspace, endpoint, work, batch)
    if name_of(lines) == name:
        _submit(workspace, endpoint, batch, lines)
    else:
        _end(workspace, batch, "it was never submitted, and its passages are others by now")


def _collect(workspace: Workspace, endpoint: Endpoint, work: Work, batch: int, remote: str) -> None:
    """Look at a batch now and then; when it has ended, keep its answers and book what they cost."""
    with workspace.ledger.transaction() as tx:
        mine = tx.execute(
            "UPDATE batches SET looked = ?1 WHERE id = ?2 AND state = 'submitted' AND looked < ?3 RETURNING id",
            (tx.now, batch, tx.now - LOOK_SECONDS * 0.8),
        ).fetchone()
    if mine is None:
        return
    ended, answers, _ = client.fetch_batch(endpoint, remote)
    if not ended:
        return
    told = answers_in(answers)
    lines = hashes_of(workspace, batch)
    with workspace.ledger.transaction() as tx:
        if tx.execute("SELECT 1 FROM batches WHERE id = ? AND state = 'submitted'", (batch,)).fetchone() is None:
            return  # somebody else has collected it meanwhile
        rows = tx.execute("SELECT id, reserved FROM outbox WHERE batch = ? ORDER BY id", (batch,)).fetchall()
        for number, (row, most) in enumerate(rows):
            _book(workspace, endpoint, work, tx, row, most, told.get(str(number)), lines.get(number, ()))
        tx.execute("UPDATE batches SET state = 'ended' WHERE id = ?", (batch,))


def _book(
    workspace: Workspace,
    endpoint: Endpoint,
    work: Work,
    tx: Transaction,
    row: int,
    most: int,
    body: Any,
    hashes: Sequence[str],
) -> None:
    """Keep the answers in one line of the host's file, and what they cost."""
    if body is None:
        budget.fail(tx, row, "the batch left it unanswered")
        return
    try:
        reply = client.reply_in(body)
    except Unanswered as e:
        budget.lose(tx, row, str(e))
        return
    prices = budget.prices_of(workspace.config.hosted, endpoint, batch=True)
    found = entries(reply, ids_of(hashes))
    settle(tx, row, prices, most, reply, found)
    work.keep(tx, hashes, found)


def _submitted(workspace: Workspace, batch: int, remote: str) -> None:
    with workspace.ledger.transaction() as tx:
        tx.execute(
            "UPDATE batches SET state = 'submitted', remote = ?, looked = ? WHERE id = ? AND state = 'intent'",
            (remote, tx.now, batch),
        )


def _end(workspace: Workspace, batch: int, why: str) -> None:
    """Give up a batch that the host never worked on."""
    with workspace.ledger.transaction() as tx:
        for (row,) in tx.execute("SELECT id FROM outbox WHERE batch = ?", (batch,)).fetchall():
            budget.fail(tx, row, why)
        tx.execute("UPDATE batches SET state = 'ended' WHERE id = ?", (batch,))


def _are_taken(tx: Transaction, work: Work, lines: Sequence[Line]) -> bool:
    hashes = json.dumps([name for line in lines for name in line.hashes])
    sql = """SELECT 1 FROM batch_wishes WHERE asked = ? AND batch IS NOT NULL
             AND text_hash IN (SELECT value FROM json_each(?))"""
    return tx.execute(sql, (work.asked, hashes)).fetchone() is not None
