"""What a client asks for, read from OpenAI's forms and checked field by field."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tonewright.prompts import Messages

INVALID = "invalid_request_error"
MOST_CHOICES, MOST_PROMPTS, MOST_STOPS = 4, 16, 4
_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
# What would change the answer and is not done here may stand in a request only when it asks for nothing.
_NOT_DONE = (
    "tools", "functions", "logprobs", "top_logprobs", "logit_bias", "presence_penalty", "frequency_penalty", "audio",
    "prediction", "web_search_options", "suffix", "echo",
)  # fmt: skip


class ApiError(Exception):
    """An answer in OpenAI's form: `status` is HTTP's, `param` the field that is wrong, `code` for programs."""

    def __init__(
        self, status: int, message: str, *, kind: str = INVALID, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}


@dataclass(frozen=True)
class Asked:
    """A request to write: each of `prompts` is messages (chat) or text (completion), answered `n` times.

    `most` tokens at most, None for as many as fit; `temperature` and `seed` None when the client leaves them open;
    `schema` is JSON text, "" for none.
    """

    model: str
    prompts: tuple[Messages, ...] | tuple[str, ...]
    n: int
    stream: bool
    include_usage: bool
    most: int | None
    temperature: float | None
    top_p: float
    seed: int | None
    stop: tuple[str, ...]
    schema: str


def body_of(data: bytes) -> Mapping[str, Any]:
    """The JSON object in a request's body. Raises `ApiError`."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as e:
        raise ApiError(400, f"the body is no JSON ({e})") from e
    if not isinstance(found, dict):
        raise ApiError(400, "the body is no JSON object")
    return found


def chat(body: Mapping[str, Any]) -> Asked:
    """A request to /v1/chat/completions. Raises `ApiError`."""
    modalities = body.get("modalities")
    if modalities not in (None, ["text"]):
        raise ApiError(400, "only text is written here", param="modalities", code="unsupported_parameter")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ApiError(400, "messages is to be a list with at least one message", param="messages")
    read = [_message(message, f"messages[{i}]") for i, message in enumerate(messages)]
    most = "max_completion_tokens" if body.get("max_completion_tokens") is not None else "max_tokens"
    return _asked(body, (read,), most, _schema(body.get("response_format")))


def completion(body: Mapping[str, Any]) -> Asked:
    """A request to /v1/completions. Raises `ApiError`."""
    if body.get("best_of") not in (None, 1, body.get("n")):
        raise ApiError(400, "best_of is not done here", param="best_of", code="unsupported_parameter")
    found = {**body, "max_tokens": 16} if body.get("max_tokens") is None else body  # the API's default
    return _asked(found, _texts(body, "prompt"), "max_tokens", _schema(body.get("response_format")))


def embedding(body: Mapping[str, Any]) -> tuple[str, tuple[str, ...], bool]:
    """(model, texts, whether vectors go as base64) of a request to /v1/embeddings. Raises `ApiError`."""
    if body.get("dimensions") is not None:
        raise ApiError(400, "vectors are as long as they are", param="dimensions", code="unsupported_parameter")
    form = body.get("encoding_format") or "float"
    if form not in ("float", "base64"):
        raise ApiError(400, "encoding_format is to be float or base64", param="encoding_format", code="invalid_value")
    texts = _texts(body, "input")
    if not all(texts):
        raise ApiError(400, "input holds an empty text", param="input", code="invalid_value")
    return _model(body), texts, form == "base64"


def _asked(body: Mapping[str, Any], prompts: tuple[Messages, ...] | tuple[str, ...], most: str, schema: str) -> Asked:
    for name in _NOT_DONE:
        if body.get(name):
            raise ApiError(400, f"{name} is not done here", param=name, code="unsupported_parameter")
    options = body.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise ApiError(400, "stream_options is to be an object", param="stream_options")
    stream = _flag(body, "stream")
    top_p = _number(body, "top_p", 0, 1)
    return Asked(
        model=_model(body),
        prompts=prompts,
        n=_whole(body, "n", 1, MOST_CHOICES) or 1,
        stream=stream,
        include_usage=stream and _flag(options or {}, "include_usage"),
        most=_whole(body, most, 1, 1 << 31),
        temperature=_number(body, "temperature", 0, 2),
        top_p=1.0 if top_p is None else top_p,
        seed=_whole(body, "seed", -(1 << 63), 1 << 63),
        stop=_stop(body.get("stop")),
        schema=schema,
    )


def _model(body: Mapping[str, Any]) -> str:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise ApiError(400, "model is to be one of those that /v1/models lists", param="model")
    return model


def _message(message: Any, where: str) -> dict[str, str]:
    if not isinstance(message, dict):
        raise ApiError(400, f"{where} is to be an object", param=where)
    role = message.get("role")
    if role not in _ROLES:
        raise ApiError(400, f"{where}.role is to be one of {', '.join(_ROLES)}", param=f"{where}.role")
    return {"role": _ROLES[role], "content": _content(message.get("content"), f"{where}.content")}


def _content(content: Any, where: str) -> str:
    """Text as it is, or the texts of several parts, one after the other."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise ApiError(400, f"{where} is to be text", param=where)
    texts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
    if len(texts) != len(content) or not all(isinstance(text, str) for text in texts):
        raise ApiError(400, f"{where} holds something else than text", param=where, code="unsupported_value")
    return "".join(str(text) for text in texts)


def _texts(body: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = body.get(name)
    texts = [found] if isinstance(found, str) else found
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise ApiError(400, f"{name} is to be a text or a list of texts", param=name)
    if len(texts) > MOST_PROMPTS and name == "prompt":
        raise ApiError(400, f"{name} holds more than {MOST_PROMPTS} texts", param=name, code="invalid_value")
    return tuple(texts)


def _schema(form: Any) -> str:
    """`response_format` as a JSON schema, "" for plain text."""
    if form is None or form == {"type": "text"}:
        return ""
    kind = form.get("type") if isinstance(form, dict) else None
    if kind == "json_object":
        return json.dumps({"type": "object"})
    if kind != "json_schema":
        message = "response_format.type is to be text, json_object or json_schema"
        raise ApiError(400, message, param="response_format", code="invalid_value")
    described = form.get("json_schema")
    schema = described.get("schema") if isinstance(described, dict) else None
    if not isinstance(schema, dict):
        where = "response_format.json_schema.schema"
        raise ApiError(400, f"{where} is to be an object", param=where, code="invalid_value")
    return json.dumps(schema)


def _stop(stop: Any) -> tuple[str, ...]:
    found: Sequence[Any] = [stop] if isinstance(stop, str) else ([] if stop is None else stop)
    if not isinstance(found, list) or not all(isinstance(s, str) and s for s in found) or len(found) > MOST_STOPS:
        raise ApiError(400, f"stop is to be a text, or at most {MOST_STOPS} of them", param="stop")
    return tuple(found)


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value not in (None, True, False):
        raise ApiError(400, f"{name} is to be true or false", param=name, code="invalid_type")
    return bool(value)


def _whole(body: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ApiError(400, f"{name} is to be a whole number from {least} to {most}", param=name, code="invalid_value")
    return value


def _number(body: Mapping[str, Any], name: str, least: float, most: float) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise ApiError(400, f"{name} is to be a number from {least} to {most}", param=name, code="invalid_value")
    return float(value)
