"""What ever left this machine, as the ledger tells it, and what a file would send if it were asked about now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tonewright.errors import BadInput, UsageError
from tonewright.hosted.asking import requests
from tonewright.hosted.budget import money, prices_of, spent
from tonewright.hosted.candidates import PAIRS, TAGGER, as_text, name_of_file, policy_of
from tonewright.hosted.endpoint import Endpoint, is_this_machine
from tonewright.hosted.gate import ALLOW, LOCAL, Candidate, Decision, Reason, decide, strictest
from tonewright.hosted.plain import QUESTION
from tonewright.hosted.tagging import question_about
from tonewright.ledger.store import Ledger
from tonewright.posts.passages import split_passages
from tonewright.posts.post import parse
from tonewright.workspace import Workspace


@dataclass(frozen=True)
class Left:
    """One request. Money is in millionths; `cost` is None while nobody knows it, and then `reserved` counts."""

    id: int
    at: float
    host: str
    model: str
    purpose: str
    sha256: str
    bytes: int
    tokens_in: int | None
    tokens_out: int | None
    reserved: int
    cost: int | None
    event: int | None
    source: str  # of the event
    batch: int | None
    state: str
    result: str


@dataclass(frozen=True)
class Explained:
    """The gate's word on a file, and the bodies that would be sent if every gate said yes."""

    path: str
    decision: Decision
    bodies: tuple[bytes, ...]


def everything(ledger: Ledger) -> list[Left]:
    """Every request, the oldest first."""
    return [
        Left(*row)
        for row in ledger.read(
            """SELECT o.id, o.at, o.host, o.model, o.purpose, o.sha256, o.bytes, o.tokens_in, o.tokens_out, o.reserved,
                      o.cost, o.event, COALESCE(e.source, ''), o.batch, o.state, o.result
               FROM outbox o LEFT JOIN events e ON e.id = o.event ORDER BY o.id"""
        )
    ]


def explain(workspace: Workspace, where: str) -> Explained:
    """What the gates say of `PATH[:LINE]`, all of them, and the exact bytes that would leave.

    Raises `UsageError` when there is no such file, or no passage at that line.
    """
    file, line = _parted(where)
    name, text = name_of_file(workspace, file), as_text(file.read_bytes())
    passages = _passages(workspace, name, text, line)
    use = TAGGER if workspace.config.tagger.use == "hosted" or workspace.config.pairs.use != "hosted" else PAIRS
    decision = decide(Candidate(name, text, passages), policy_of(workspace, use), thorough=True)
    question = question_about(workspace.vocabulary) if use == TAGGER else QUESTION
    hosted = workspace.config.hosted
    # No key is needed to look at a body, nor may a missing one keep the author from looking.
    endpoint = Endpoint(hosted.base_url, "", is_this_machine(hosted), hosted.timeout_seconds, "")
    sent = list(requests(hosted, endpoint, question, passages))
    prices = prices_of(hosted, endpoint)
    paid = _budget(workspace, endpoint, sum(request.most(prices) for request in sent))
    return Explained(name, strictest((*decision.reasons, paid)), tuple(request.body for request in sent))


def _budget(workspace: Workspace, endpoint: Endpoint, most: int) -> Reason:
    """Whether the caps have room for `most` millionths at this moment; the transaction that sends asks again."""
    hosted = workspace.config.hosted
    if endpoint.local:
        return Reason("budget", ALLOW, "this machine costs nothing")
    if hosted.price_in <= 0 or hosted.price_out <= 0:
        return Reason("budget", LOCAL, "hosted.price_in and hosted.price_out are not set, so the caps could not hold")
    for name, (used, cap) in spent(workspace.ledger, hosted, time.time()).items():
        if used + most > cap:
            words = (
                f"it may cost {money(most)}, and of the {name} cap of {money(cap)} {money(used)} are spent or reserved"
            )
            return Reason("budget", LOCAL, words)
    return Reason("budget", ALLOW, f"it may cost {money(most)} at most, and both caps have room")


def price_of_a_tag(workspace: Workspace) -> float:
    """What a tag by the configured model has cost here so far, on average, in units of money; 0.0 before the first.

    A request whose answer never came counts with what was reserved for it: it may have been billed.
    """
    ((paid, answers),) = workspace.ledger.read(
        """SELECT (SELECT COALESCE(SUM(COALESCE(cost, reserved)), 0) FROM outbox WHERE purpose = 'tag' AND model = ?1),
                  (SELECT COUNT(*) FROM hosted_answers WHERE asked LIKE 'tag/%/' || ?1 || '/%')""",
        (workspace.config.hosted.model,),
    )
    return float(paid / max(answers, 1) / 1_000_000)


def as_record(left: Left) -> dict[str, Any]:
    """For programs; money in units, not in millionths."""
    record = dict(vars(left))
    for key in ("reserved", "cost"):
        record[key] = None if record[key] is None else record[key] / 1_000_000
    return record


def _parted(where: str) -> tuple[Path, int | None]:
    path, colon, line = where.rpartition(":")
    if Path(where).expanduser().is_file():
        return Path(where).expanduser(), None
    if colon and line.isdigit() and Path(path).expanduser().is_file():
        return Path(path).expanduser(), int(line)
    raise UsageError(f"there is no file {where}", "write PATH or PATH:LINE")


def _passages(workspace: Workspace, name: str, text: str | None, line: int | None) -> Sequence[str]:
    """What of a post would be sent: the passages that the corpus takes, none of a file that cannot be read."""
    if text is None:
        return []
    try:
        post = parse(text.encode(), name)
        passages = split_passages(post, workspace.vocabulary)
    except BadInput:
        return []
    if line is None:
        return [p.text for p in passages]
    found = [p.text for p in passages if p.line <= line <= post.line_of(p.end - 1)]
    if not found:
        raise UsageError(f"line {line} of {name} is in no passage", f"`tonewright outbox --explain {name}` shows all")
    return found
