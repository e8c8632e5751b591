"""The one place that talks to a model that is reached over HTTP; nothing else imports openai.

The official client is held to this program's terms: the address and the key that it is given, one attempt, no
redirects, no proxies and no log from the environment, and a time limit for the whole answer, even where a server sends
a byte now and then.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from tonewright.errors import ConfigError, Missing, TonewrightError
from tonewright.hosted.endpoint import Endpoint

if TYPE_CHECKING:
    from openai import AsyncOpenAI

SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 3600.0  # seconds, whatever a host asks for
LOST_BY_GATEWAY = (408, 502, 504)  # an answer may have been made, and billed, behind whoever says so

T = TypeVar("T")


class Unanswered(TonewrightError):
    """No usable answer came. `billed`: it may cost money all the same; `pause`: seconds that the host asked for."""

    exit_code = 75

    def __init__(self, what: str, *, billed: bool, pause: float | None = None) -> None:
        super().__init__(what)
        self.billed = billed
        self.pause = pause


@dataclass(frozen=True)
class Reply:
    """What a model said, and the tokens that the host counted; None where it did not."""

    content: str
    tokens_in: int | None
    tokens_out: int | None
    whole: bool  # False: it was cut off at the most tokens that were allowed


def chat(endpoint: Endpoint, body: bytes) -> Reply:
    """POST `body`, exactly these bytes, as a chat completion.

    Raises `Unanswered` when another try may do better, `Missing` for a key that is not accepted, and `ConfigError` for
    a request that the host will never take.
    """

    async def post(client: AsyncOpenAI) -> bytes:
        import httpx2

        options: Any = {"headers": {"Content-Type": "application/json"}}
        response = await client.post("/chat/completions", cast_to=httpx2.Response, content=body, options=options)
        return response.content

    return _reply(endpoint, _within_limits(endpoint, post))


def transcribe(endpoint: Endpoint, model: str, name: str, audio: bytes, seconds: float) -> dict[str, Any]:
    """The words of a recording with their times (`verbose_json`); `seconds` is the time limit. Raises like `chat`."""

    async def post(client: AsyncOpenAI) -> dict[str, Any]:
        answer = await client.audio.transcriptions.create(
            file=(name, audio), model=model, response_format="verbose_json", timestamp_granularities=["word"]
        )
        return answer.model_dump()

    return _within_limits(endpoint, post, seconds)


def submit_batch(endpoint: Endpoint, name: str, lines: bytes) -> str:
    """Upload a file of requests and have it worked on within a day; returns the batch's id. Raises like `chat`."""

    async def post(client: AsyncOpenAI) -> str:
        uploaded = await client.files.create(file=(f"{name}.jsonl", lines), purpose="batch")
        batch = await client.batches.create(
            input_file_id=uploaded.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={"tonewright": name},
        )
        return batch.id

    return _within_limits(endpoint, post)


def find_batch(endpoint: Endpoint, name: str) -> str:
    """The id of the batch that was submitted under `name`, or "". Raises like `chat`."""

    async def look(client: AsyncOpenAI) -> str:
        async for batch in client.batches.list(limit=100):
            if (batch.metadata or {}).get("tonewright") == name:
                return batch.id
        return ""

    return _within_limits(endpoint, look)


def fetch_batch(endpoint: Endpoint, remote: str) -> tuple[bool, str, str]:
    """(whether it has ended, its answers, its errors as JSON lines). Raises like `chat`."""

    async def fetch(client: AsyncOpenAI) -> tuple[bool, str, str]:
        batch = await client.batches.retrieve(remote)
        if batch.status not in ("completed", "failed", "expired", "cancelled"):
            return False, "", ""
        files = [(await client.files.content(f)).text if f else "" for f in (batch.output_file_id, batch.error_file_id)]
        return True, files[0], files[1]

    return _within_limits(endpoint, fetch)


def reply_in(body: Any) -> Reply:
    """The answer in the body of a chat completion. Raises `Unanswered` for anything else."""
    try:
        choice, usage = body["choices"][0], body.get("usage") or {}
        content = choice["message"]["content"] or ""
        counted = [usage.get(key) for key in ("prompt_tokens", "completion_tokens")]
        tokens = [n if isinstance(n, int) and n >= 0 else None for n in counted]
        return Reply(str(content), tokens[0], tokens[1], choice.get("finish_reason") != "length")
    except (AttributeError, LookupError, TypeError) as e:
        raise Unanswered("what came back is no chat completion", billed=True) from e


def _reply(endpoint: Endpoint, raw: bytes) -> Reply:
    try:
        return reply_in(json.loads(raw))
    except (ValueError, RecursionError) as e:
        raise Unanswered(f"{endpoint.host} answered with something that is no JSON", billed=True) from e


def _within_limits(endpoint: Endpoint, talk: Callable[[AsyncOpenAI], Awaitable[T]], seconds: float = 0.0) -> T:
    """Run `talk` with a client of its own, for `seconds` (or the endpoint's own limit) at most, errors in our words."""
    try:
        import httpx2
        import openai
    except ImportError as e:
        raise Missing("the openai package is not installed", "pip install 'tonewright[hosted]'") from e
    for name in ("openai", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)  # OPENAI_LOG=debug would write texts into our log
    limit = seconds or endpoint.timeout

    async def once() -> T:
        http = httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=limit)
        async with openai.AsyncOpenAI(
            api_key=endpoint.key, base_url=endpoint.base_url, max_retries=0, timeout=limit, http_client=http
        ) as client:
            return await asyncio.wait_for(talk(client), limit)

    try:
        return asyncio.run(once())
    except (asyncio.TimeoutError, openai.APITimeoutError) as e:
        raise Unanswered(f"{endpoint.host} gave no whole answer in {limit:.0f} s", billed=True) from e
    except openai.APIStatusError as e:
        raise _status(endpoint, e.status_code, e.response.headers.get("retry-after")) from e
    except openai.APIConnectionError as e:
        never_left = isinstance(e.__cause__, httpx2.ConnectError)
        what = "cannot be reached" if never_left else "broke off in the middle"
        raise Unanswered(f"{endpoint.host} {what}", billed=not never_left) from e
    except (openai.OpenAIError, httpx2.HTTPError, ValueError) as e:
        raise Unanswered(f"{endpoint.host} gave half an answer ({type(e).__name__})", billed=True) from e


def _status(endpoint: Endpoint, code: int, retry_after: str | None) -> TonewrightError:
    """What an HTTP status means for us; the host's own words are left out, since they may quote the text."""
    if code in (401, 403):
        return Missing(f"{endpoint.host} does not accept the key ({code})", "see hosted.key_env, and what it holds")
    if code == 429:
        return Unanswered(f"{endpoint.host} wants fewer requests (429)", billed=False, pause=_seconds(retry_after))
    if code >= 500 or code == 408:
        what = f"{endpoint.host} is in trouble ({code})"
        return Unanswered(what, billed=code in LOST_BY_GATEWAY, pause=_seconds(retry_after))
    return ConfigError(f"{endpoint.host} does not take this request ({code})", "see hosted.base_url and hosted.model")


def _seconds(retry_after: str | None) -> float | None:
    """`Retry-After` in seconds; a date, or nonsense, is left to our own pauses."""
    try:
        return max(SHORTEST_PAUSE, min(float(retry_after or "x"), LONGEST_PAUSE))
    except ValueError:
        return None
