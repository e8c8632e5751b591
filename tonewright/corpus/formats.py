"""The corpus in the forms that other trainers read, one line of JSON each, with the keys that they document.

- `messages`: chat messages with where they come from; what our own trainer reads, and TRL's conversational form.
- `prompt-completion` and `preference`: TRL's `prompt` and `completion`, `prompt`, `chosen` and `rejected`, each a list
  of messages.
- `alpaca`: `instruction`, `input`, `output`, and `system`.
- `sharegpt`: `conversations` of `from` (system, human, gpt) and `value`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tonewright import prompts
from tonewright.corpus.rows import CORRECTION, REVISION, REWRITE, Row

MESSAGES = "messages"
_SPEAKERS = {"system": "system", "user": "human", "assistant": "gpt"}

Format = Callable[[Iterable[Row]], Iterator[str]]


def _messages(rows: Iterable[Row]) -> Iterator[str]:
    yield from (row.as_json() for row in rows)


def _prompt_completion(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        yield _line({"prompt": row.request, "completion": _said(row.answer)})


def _alpaca(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        system, user = (message["content"] for message in row.request)
        instruction, _, text = user.partition("\n\n")
        yield _line({"instruction": instruction, "input": text, "output": row.answer, "system": system})


def _sharegpt(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        turns = prompts.training_row(row.request, row.answer)
        yield _line({"conversations": [{"from": _SPEAKERS[t["role"]], "value": t["content"]} for t in turns]})


def _preference(rows: Iterable[Row]) -> Iterator[str]:
    """The author's later wording over her earlier one, where both answer the same plain version, and over a draft."""
    rows = list(rows)
    asked = {row.answer: row.request for row in rows if row.kind == REWRITE}
    for row in rows:
        if row.kind == CORRECTION:
            prompt, rejected = row.request, row.rejected
        elif row.kind == REVISION and row.answer in asked:
            prompt, rejected = asked[row.answer], row.source_text
        else:
            continue
        yield _line({"prompt": prompt, "chosen": _said(row.answer), "rejected": _said(rejected)})


FORMATS: dict[str, Format] = {
    MESSAGES: _messages,
    "prompt-completion": _prompt_completion,
    "alpaca": _alpaca,
    "sharegpt": _sharegpt,
    "preference": _preference,
}


def _said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, sort_keys=True)
