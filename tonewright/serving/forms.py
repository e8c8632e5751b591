"""Answers in OpenAI's forms: whole ones, the chunks of a stream, models and vectors."""

from __future__ import annotations

import base64
import struct
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass
class Usage:
    """Tokens of the prompts, how many of those were not evaluated anew, and tokens of the answers."""

    prompt: int = 0
    cached: int = 0
    answers: int = 0

    def as_json(self) -> Json:
        """OpenAI's `usage`."""
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.answers,
            "total_tokens": self.prompt + self.answers,
            "prompt_tokens_details": {"cached_tokens": self.cached},
        }


@dataclass
class Form:
    """What all records of one answer have in common."""

    model: str
    chat: bool
    created: int = field(default_factory=lambda: int(time.time()))
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def whole(self, choices: Iterable[tuple[str, str]], usage: Usage) -> Json:
        """The answer of a request that does not stream; `choices` are (text, reason for the end)."""
        told = [
            {"index": i, "logprobs": None, "finish_reason": why, **self._said(text)}
            for i, (text, why) in enumerate(choices)
        ]
        return {**self._head("chat.completion"), "choices": told, "usage": usage.as_json()}

    def begun(self, index: int) -> Json:
        """The first chunk of a choice in a chat."""
        return self._chunk(index, {"delta": {"role": "assistant", "content": ""}}, None)

    def piece(self, index: int, text: str) -> Json:
        """Some text of a choice."""
        return self._chunk(index, {"delta": {"content": text}} if self.chat else {"text": text}, None)

    def ended(self, index: int, why: str) -> Json:
        """The last chunk of a choice."""
        return self._chunk(index, {"delta": {}} if self.chat else {"text": ""}, why)

    def counted(self, usage: Usage) -> Json:
        """The chunk with the counts, when they were asked for."""
        return {**self._head("chat.completion.chunk"), "choices": [], "usage": usage.as_json()}

    def _said(self, text: str) -> Json:
        return {"message": {"role": "assistant", "content": text, "refusal": None}} if self.chat else {"text": text}

    def _chunk(self, index: int, said: Json, why: str | None) -> Json:
        choice = {"index": index, "logprobs": None, "finish_reason": why, **said}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def _head(self, chat_kind: str) -> Json:
        name, kind = ("chatcmpl", chat_kind) if self.chat else ("cmpl", "text_completion")
        return {"id": f"{name}-{self.id}", "object": kind, "created": self.created, "model": self.model}


def models(names: Iterable[str], since: int) -> Json:
    """The list of models."""
    data = [{"id": name, "object": "model", "created": since, "owned_by": "tonewright"} for name in names]
    return {"object": "list", "data": data}


def vectors(model: str, found: Sequence[Sequence[float]], tokens: int, *, packed: bool) -> Json:
    """Vectors in the order of their texts; `packed` as little-endian float32 in base64."""
    data = [
        {"object": "embedding", "index": i, "embedding": _packed(vector) if packed else vector}
        for i, vector in enumerate(found)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def _packed(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
