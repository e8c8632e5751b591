"""The lines of a batch: which passages go into it, and the file that the host is given and gives back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tonewright.hosted.asking import Question, Request, request_for
from tonewright.hosted.candidates import TAGGER, decide_document
from tonewright.hosted.endpoint import Endpoint
from tonewright.hosted.gate import ALLOW
from tonewright.ledger.store import Transaction
from tonewright.workspace import Workspace

GATHER_SECONDS = 60.0  # from the first wish to the file that holds it and all that came since


@dataclass(frozen=True)
class Work:
    """What is asked, the name that answers are kept under, and how they are kept: `keep(tx, hashes, answers)`."""

    asked: str
    question: Question
    keep: Callable[[Transaction, Sequence[str], Sequence[Any]], None]


@dataclass(frozen=True)
class Line:
    """One request of a batch, and the hashes of its passages."""

    request: Request
    hashes: tuple[str, ...]
    event: int


def open_wishes(workspace: Workspace, work: Work) -> list[tuple[str, int, bool]]:
    """(hash, event, whether it has waited long enough) of wishes without a batch, of events that still wait."""
    with workspace.ledger.transaction() as tx:
        tx.execute(
            """DELETE FROM batch_wishes WHERE batch IS NULL AND asked = ?
               AND event IN (SELECT id FROM events WHERE state NOT IN ('pending', 'leased'))""",
            (work.asked,),
        )
        rows = tx.execute(
            "SELECT text_hash, event, at < ? FROM batch_wishes WHERE batch IS NULL AND asked = ? ORDER BY event",
            (tx.now - GATHER_SECONDS, work.asked),
        )
        return [(str(name), int(event), bool(old)) for name, event, old in rows.fetchall()]


def still_allowed(workspace: Workspace, wishes: Iterable[tuple[str, int, bool]]) -> list[tuple[str, int]]:
    """(hash, event) of the wishes that the gate lets through now: a post may have become private since."""
    by_event: dict[int, list[str]] = {}
    for name, event, _ in wishes:
        by_event.setdefault(event, []).append(name)
    allowed = []
    for event, hashes in by_event.items():
        texts = list(_texts(workspace, hashes).values())
        ((document,),) = workspace.ledger.read(
            "SELECT json_extract(payload, '$.document') FROM events WHERE id = ?", (event,)
        )
        if decide_document(workspace, document, texts, TAGGER).verdict == ALLOW:
            allowed += [(name, event) for name in hashes]
    return allowed


def lines_for(workspace: Workspace, endpoint: Endpoint, work: Work, wishes: Sequence[tuple[str, int]]) -> list[Line]:
    """Wishes as lines of a new batch."""
    size = workspace.config.hosted.passages_per_call
    parts = (wishes[start : start + size] for start in range(0, len(wishes), size))
    made = (_line(workspace, endpoint, work, [name for name, _ in part], part[0][1]) for part in parts)
    return [line for line in made if line.hashes]


def lines_of(workspace: Workspace, endpoint: Endpoint, work: Work, batch: int) -> list[Line]:
    """The lines of a batch made again: the same bytes, unless a text was forgotten meanwhile."""
    (event,) = workspace.ledger.read("SELECT MIN(event) FROM outbox WHERE batch = ?", (batch,))[0]
    return [_line(workspace, endpoint, work, hashes, event) for hashes in hashes_of(workspace, batch).values()]


def hashes_of(workspace: Workspace, batch: int) -> dict[int, tuple[str, ...]]:
    """{line: hashes of its passages, in the order in which the request names them}."""
    found: dict[int, tuple[str, ...]] = {}
    for name, number in workspace.ledger.read(
        "SELECT text_hash, line FROM batch_wishes WHERE batch = ? ORDER BY line, text_hash", (batch,)
    ):
        found[number] = (*found.get(number, ()), name)
    return found


def _line(workspace: Workspace, endpoint: Endpoint, work: Work, hashes: Sequence[str], event: int) -> Line:
    """One request; its passages are in the order of their hashes, so that it can be made again."""
    texts = _texts(workspace, hashes)
    kept = tuple(sorted(texts))
    request = request_for(workspace.config.hosted, endpoint, work.question, [texts[name] for name in kept])
    return Line(request, kept, event)


def _texts(workspace: Workspace, hashes: Sequence[str]) -> dict[str, str]:
    sql = "SELECT hash, text FROM texts WHERE hash IN (SELECT value FROM json_each(?))"
    return dict(workspace.ledger.read(sql, (json.dumps(list(hashes)),)))


def file_of(lines: Sequence[Line]) -> bytes:
    """The lines as the host wants them."""
    url = "/v1/chat/completions"
    heads = (json.dumps({"custom_id": str(n), "method": "POST", "url": url}) for n in range(len(lines)))
    return b"".join(head[:-1].encode() + b', "body": ' + line.request.body + b"}\n" for head, line in zip(heads, lines))


def name_of(lines: Sequence[Line]) -> str:
    return hashlib.sha256(file_of(lines)).hexdigest()[:32]


def answers_in(answers: str) -> dict[str, Any]:
    """{line number: body of its completion} of those lines of the host's file that hold one."""
    told = {}
    for text in answers.splitlines():
        try:
            record = json.loads(text)
            if record["response"]["status_code"] == 200:
                told[str(record["custom_id"])] = record["response"]["body"]
        except (ValueError, LookupError, TypeError):
            continue
    return told
