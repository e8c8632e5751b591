"""From rows of messages to packed blocks of token ids with the loss on the author's words only."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tonewright.errors import BadInput
from tonewright.models.chat import ChatFormat, Message, answer_start

Tokenize = Callable[[str], list[int]]


@dataclass(frozen=True)
class Row:
    """One request and the author's own words as its answer (the last message).

    `rejected` is what a model had answered before the author corrected it; empty where no model did.
    """

    id: str
    messages: tuple[Message, ...]
    rejected: str = ""

    @property
    def target(self) -> str:
        """The author's words."""
        return self.messages[-1]["content"]


@dataclass(frozen=True)
class Example:
    """A row as token ids. The answer, end token included, is `ids[start:]`."""

    id: str
    ids: tuple[int, ...]
    start: int


Block = tuple[Example, ...]


@dataclass(frozen=True)
class Pair:
    """Two answers to one request: the author's correction, and the draft that it corrects."""

    chosen: Example
    rejected: Example

    @property
    def length(self) -> int:
        """Tokens of the longer one, request included."""
        return max(len(self.chosen.ids), len(self.rejected.ids))


def read_rows(path: Path) -> list[Row]:
    """The rows of a JSON Lines file. Raises `BadInput` naming file, line and fault."""
    rows = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # splitlines would also cut at U+2028 in a string
    except (OSError, UnicodeDecodeError) as e:
        raise BadInput(f"{path} cannot be read ({e})", "export the snapshot again") from e
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
            messages = tuple({"role": str(m["role"]), "content": str(m["content"])} for m in data["messages"])
            row = Row(str(data["id"]), messages, str(data.get("rejected", "")))
        except (ValueError, KeyError, TypeError) as e:
            raise BadInput(f"{path}, line {number}: this is not a row ({e!r})", "export the snapshot again") from e
        if len(messages) < 2 or messages[-1]["role"] != "assistant" or not row.target.strip():
            raise BadInput(
                f"{path}, line {number}: row {row.id} does not end with an answer",
                "export the snapshot again",
            )
        rows.append(row)
    return rows


def encode(row: Row, chat: ChatFormat, tokenize: Tokenize) -> Example:
    """`row` as token ids, with the position where the answer begins.

    The position comes from the ids, never from comparing them with a padding id: many bases pad with their
    end token, and a model whose end token is masked never learns to stop.
    """
    prompt = tokenize(chat.prompt(row.messages[:-1]))
    whole = tokenize(chat.conversation(row.messages))
    return Example(row.id, tuple(whole), answer_start(prompt, whole))


def encode_pair(row: Row, chat: ChatFormat, tokenize: Tokenize) -> Pair:
    """`row` and what was rejected for it, each as the first stage would see it."""
    draft = replace(row, messages=(*row.messages[:-1], {"role": "assistant", "content": row.rejected}))
    return Pair(encode(row, chat, tokenize), encode(draft, chat, tokenize))


def fitting(examples: Iterable[Example], length: int) -> tuple[list[Example], list[str]]:
    """The examples of at most `length` tokens, and the ids of the rows that are longer.

    A cut answer would teach the model to stop in the middle of a sentence, so those are left out whole.
    """
    all_examples = list(examples)
    return [e for e in all_examples if len(e.ids) <= length], [e.id for e in all_examples if len(e.ids) > length]


def pack(examples: Sequence[Example], length: int, seed: int) -> list[Block]:
    """Blocks of whole examples, at most `length` tokens each; every example is in exactly one block.

    First fit in an order shuffled by `seed`: neighbours in the corpus do not end up in the same step.
    """
    order = list(examples)
    random.Random(seed).shuffle(order)  # noqa: S311 - an order, not a secret
    blocks: list[list[Example]] = []
    used: list[int] = []
    for example in order:
        size = len(example.ids)
        place = next((i for i, n in enumerate(used) if n + size <= length), None)
        if place is None:
            blocks.append([example])
            used.append(size)
        else:
            blocks[place].append(example)
            used[place] += size
    return [tuple(block) for block in blocks]


def collate(blocks: Sequence[Block]) -> dict[str, Any]:
    """One forward pass over `blocks`, laid end to end without padding, as the model's keyword arguments.

    - input_ids, position_ids: shape (1, T). Positions start at 0 with every example and no attention mask is
      given: that is how transformers recognises packed examples and keeps them apart.
    - logits_to_keep: shape (K,), the positions before each answer token; logits are computed for these alone.
    - labels and shift_labels: shape (1, K), the answer tokens themselves, already shifted. Trainer counts
      and the
      model's loss uses the second; the first makes the model compute a loss at all.
    """
    import torch

    examples = [example for block in blocks for example in block]
    keep: list[int] = []
    answers: list[int] = []
    offset = 0
    for example in examples:
        start = max(example.start, 1)
        keep += range(offset + start - 1, offset + len(example.ids) - 1)
        answers += example.ids[start:]
        offset += len(example.ids)
    labels = torch.tensor([answers])
    return {
        "input_ids": torch.tensor([[token for e in examples for token in e.ids]]),
        "position_ids": torch.tensor([[i for e in examples for i in range(len(e.ids))]]),
        "logits_to_keep": torch.tensor(keep),
        "labels": labels,
        "shift_labels": labels,
        "use_cache": False,  # with a cache, packed examples would silently see each other
    }
