"""One request about several passages: what is sent, that it is paid for, and what of the answer can be used.

Passages are data inside JSON, and the answer is held to a schema with one entry per passage, so whatever a text tells
the model to do, the worst that comes of it is a wrong entry for a passage.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tonewright.config.schema import Hosted
from tonewright.errors import TonewrightError, TryLater
from tonewright.hosted import budget, client
from tonewright.hosted.budget import Leaving, Prices
from tonewright.hosted.client import Reply, Unanswered
from tonewright.hosted.endpoint import Endpoint
from tonewright.ledger.store import Ledger, Transaction

T = TypeVar("T")

HEADROOM = 1000  # tokens of an answer beside what is asked for: models that think aloud first are billed for it


@dataclass(frozen=True)
class Question:
    """What is asked of every passage. `answer` is the JSON schema of one entry."""

    purpose: str
    instruction: str
    answer: dict[str, Any]
    room: Callable[[str], int]  # the most tokens of the answer about one passage


@dataclass(frozen=True)
class Request:
    """Some passages in one body. `most_out` is the most tokens that the answer may have."""

    body: bytes
    ids: tuple[str, ...]
    most_out: int

    def most(self, prices: Prices) -> int:
        """The most that it can cost, in millionths: no tokeniser makes more tokens than there are bytes."""
        return prices.cost(len(self.body), self.most_out)


def requests(settings: Hosted, endpoint: Endpoint, question: Question, texts: Sequence[str]) -> Iterator[Request]:
    """`texts` in as few requests as `hosted.passages_per_call` allows, in order."""
    for start in range(0, len(texts), settings.passages_per_call):
        yield request_for(settings, endpoint, question, texts[start : start + settings.passages_per_call])


def request_for(settings: Hosted, endpoint: Endpoint, question: Question, texts: Sequence[str]) -> Request:
    """`texts` in one request, however many."""
    ids = ids_of(texts)
    most_out = HEADROOM + sum(question.room(text) for text in texts)
    schema = {
        "type": "object",
        "properties": dict.fromkeys(ids, question.answer),
        "required": list(ids),
        "additionalProperties": False,
    }
    body: dict[str, Any] = {
        "model": settings.model,
        "store": False,
        "messages": [
            {"role": "system", "content": question.instruction},
            {"role": "user", "content": json.dumps({"passages": dict(zip(ids, texts))}, ensure_ascii=False)},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": question.purpose, "strict": True, "schema": schema},
        },
        # Servers on one's own machine know the older name, and models that think refuse a temperature.
        **({"max_tokens": most_out, "temperature": 0} if endpoint.local else {"max_completion_tokens": most_out}),
    }
    return Request(json.dumps(body, ensure_ascii=False).encode(), ids, most_out)


def ids_of(passages: Sequence[str]) -> tuple[str, ...]:
    """What the passages of one request are called in it, in order."""
    return tuple(f"p{number}" for number in range(1, len(passages) + 1))


def ask(
    ledger: Ledger,
    settings: Hosted,
    endpoint: Endpoint,
    question: Question,
    request: Request,
    event: int | None,
    keep: Callable[[Transaction, list[Any]], None],
) -> list[Any]:
    """Reserve, send, settle; returns one entry per passage, None where the answer has none that can be read.

    `keep` is called in the transaction that settles, so that nothing is paid for and lost. Raises `OverBudget` before
    anything is sent; `TryLater`, `Missing` or `ConfigError` when the host has no answer for us.
    """
    prices = budget.prices_of(settings, endpoint)
    leaving = Leaving(question.purpose, settings.model, request.body, request.most(prices), event)
    row, reply = reserved(ledger, settings, endpoint, leaving, lambda: client.chat(endpoint, request.body))
    answers = entries(reply, request.ids)
    with ledger.transaction() as tx:
        settle(tx, row, prices, leaving.most, reply, answers)
        keep(tx, answers)
    return answers


def reserved(
    ledger: Ledger, settings: Hosted, endpoint: Endpoint, leaving: Leaving, send: Callable[[], T]
) -> tuple[int, T]:
    """Reserve what `leaving` may cost, then `send` it; returns its row of the outbox, to be settled, and the answer.

    Raises `OverBudget` before anything is sent, `TryLater` when no usable answer came, and what else `send` raises; the
    reservation is then free again, or kept where the host may send a bill.
    """
    row = budget.reserve(ledger, settings, endpoint, leaving)
    try:
        return row, send()
    except Unanswered as e:
        with ledger.transaction() as tx:
            (budget.lose if e.billed else budget.fail)(tx, row, str(e))
            seconds = budget.pause(tx, row, endpoint, e.pause)
        raise TryLater(str(e), seconds=seconds) from e
    except TonewrightError as e:
        with ledger.transaction() as tx:
            budget.fail(tx, row, e.what)
        raise


def settle(tx: Transaction, row: int, prices: Prices, most: int, reply: Reply, answers: Sequence[Any]) -> None:
    """Book what an answer cost: `most`, all that was reserved, where the host does not count its tokens."""
    sent, received = reply.tokens_in, reply.tokens_out
    cost = most if sent is None or received is None else prices.cost(sent, received)
    usable = sum(answer is not None for answer in answers)
    budget.settle(tx, row, cost, (sent, received), f"{usable} of {len(answers)} answered")


def entries(reply: Reply, ids: Sequence[str]) -> list[Any]:
    """The entry of each passage in an answer, None where there is none."""
    try:
        found = json.loads(reply.content)
    except (ValueError, RecursionError):
        found = {}
    return [found.get(name) if isinstance(found, dict) else None for name in ids]
