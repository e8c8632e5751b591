"""`tonewright serve` with the real small model, asked by the real openai client and by hand."""

from __future__ import annotations

import dataclasses
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.conftest import REPOSITORY, Blog, Tell, until
from tests.serving import TEXT, Served, chat, promote_random, serving
from tonewright.corpus.fingerprints import share_written
from tonewright.ledger.store import Ledger
from tonewright.models import registry
from tonewright.serving.guard import key_for

pytestmark = pytest.mark.model

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 12}, "legs": {"type": "integer", "enum": [2, 4, 6]}},
    "required": ["name", "legs"],
    "additionalProperties": False,
}
LONG = {
    "type": "json_schema",
    "json_schema": {"name": "l", "schema": {"type": "array", "items": {"type": "integer"}, "minItems": 900}},
}
BAD: tuple[tuple[dict[str, Any], int, str], ...] = (
    ({"model": "voice:furious"}, 404, "model"),
    ({"messages": []}, 400, "messages"),
    ({"messages": [{"role": "tool", "content": "x"}]}, 400, "messages[0].role"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, 400, "content"),
    ({"model": "voice", "messages": [{"role": "assistant", "content": "x"}]}, 400, "messages"),
    ({"messages": [{"role": "user", "content": "word " * 2100}]}, 400, "context_length_exceeded"),
    ({"temperature": 3}, 400, "temperature"),
    ({"top_p": "much"}, 400, "top_p"),
    ({"n": 5}, 400, "n"),
    ({"max_tokens": 0}, 400, "max_tokens"),
    ({"stop": ["a", "b", "c", "d", "e"]}, 400, "stop"),
    ({"stream": "yes"}, 400, "stream"),
    ({"tools": [{"type": "function"}]}, 400, "tools"),
    ({"logprobs": True}, 400, "logprobs"),
    ({"response_format": {"type": "xml"}}, 400, "response_format"),
    ({"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "nope"}}}}, 400, "invalid_value"),
    ({"response_format": {"type": "json_schema", "json_schema": {"schema": {"maxLength": 9999}}}}, 400, "invalid"),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server without a champion, which writes two answers at once."""
    with serving(tmp_path_factory.mktemp("served"), "[serve]\nat_once = 2\n") as server:
        yield server


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    """The real client."""
    with served.client() as made:
        yield made


def raw(served: Served, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    """(status, JSON) of a request by hand; a body that is no bytes is sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
    with closing(http.client.HTTPConnection(*served.address, timeout=300)) as line:
        line.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
        answer = line.getresponse()
        return answer.status, json.loads(answer.read())


def written(stream: Any) -> tuple[str, str, Any]:
    """(text, reason for the end, usage) of a streamed chat."""
    text, why, usage = "", "", None
    for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            why = choice.finish_reason or why
    return text, why, usage


def test_models_are_listed(client: openai.OpenAI) -> None:
    """The voice, one for each tone, and the base; each can be asked for by name."""
    names = [model.id for model in client.models.list()]
    assert names[:2] == ["voice", "voice:snark"] and "voice:dry" in names and names[-1] == "base"
    assert client.models.retrieve("voice:dry").id == "voice:dry"


def test_stream_is_the_whole_answer(client: openai.OpenAI) -> None:
    """Streamed or not, the same request says and counts the same, and ends for the same reason."""
    for most, why in ((6, "length"), (60, "stop")):
        asked = chat("Name one fruit, in one word.", max_tokens=most, temperature=0)
        whole = client.chat.completions.create(**asked)
        text, ended, usage = written(
            client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
        )
        assert whole.choices[0].message.content == text and text
        assert whole.choices[0].finish_reason == ended == why
        assert (usage.prompt_tokens, usage.completion_tokens) == (
            whole.usage.prompt_tokens,
            whole.usage.completion_tokens,
        )
        assert usage.completion_tokens == most if why == "length" else usage.completion_tokens < most


def test_stop_seed_and_choices(client: openai.OpenAI) -> None:
    """A stop string is left out; a seed repeats an answer; several choices are several answers to one prompt."""
    told = client.completions.create(model="base", prompt="One, two, three, four,", max_tokens=20, stop=["six"])
    assert "five" in told.choices[0].text and "six" not in told.choices[0].text
    assert told.choices[0].finish_reason == "stop"
    asked = chat("Tell me of a cat.", max_tokens=8, temperature=1.2, n=3)
    one, two = (client.chat.completions.create(**asked, seed=7) for _ in range(2))
    texts = [choice.message.content for choice in one.choices]
    assert texts == [choice.message.content for choice in two.choices] and len(set(texts)) > 1
    assert one.usage.completion_tokens <= 24
    alone = client.chat.completions.create(**{**asked, "n": 1}, seed=7)
    assert alone.usage.prompt_tokens == one.usage.prompt_tokens


def test_schema_is_kept(client: openai.OpenAI) -> None:
    """What is said under a schema is JSON that keeps it, also when the model would rather say something else."""
    form = {"type": "json_schema", "json_schema": {"name": "animal", "schema": SCHEMA}}
    for seed in range(2):
        asked = chat("Sing a song.", response_format=form, temperature=1.5, seed=seed, max_tokens=80)
        said = json.loads(client.chat.completions.create(**asked).choices[0].message.content or "")
        assert set(said) == {"name", "legs"} and said["legs"] in (2, 4, 6) and len(said["name"]) <= 12


def test_vectors(client: openai.OpenAI) -> None:
    """As numbers or packed, a text has one vector of length 1, in the order of the texts; nothing is cut off."""
    texts = ["The cat sat on the mat.", "The cat sat on a mat.", "Quarterly revenue exceeded forecasts."]
    packed = client.embeddings.create(model="voice", input=texts)
    plain = client.embeddings.create(model="base", input=texts, encoding_format="float")
    first, near, far = (entry.embedding for entry in packed.data)
    for one, other in zip(packed.data, plain.data):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-5)
    assert sum(x * x for x in first) == pytest.approx(1, abs=1e-3)
    assert sum(x * y for x, y in zip(first, near)) > sum(x * y for x, y in zip(first, far))
    with pytest.raises(openai.BadRequestError, match="tokens long"):
        client.embeddings.create(model="base", input="word " * 600)


@pytest.mark.parametrize(("fields", "status", "names"), BAD, ids=[f"{i}-{bad[2]}" for i, bad in enumerate(BAD)])
def test_errors_are_openais(served: Served, fields: dict[str, Any], status: int, names: str) -> None:
    """A request that cannot be answered gets the right status and says in OpenAI's form what is wrong with it."""
    for more in ({}, {"stream": True}) if "stream" not in fields else ({},):
        code, said = raw(served, "POST", "/v1/chat/completions", {**chat("Hello."), **more, **fields})
        assert code == status
        assert set(said["error"]) == {"message", "type", "param", "code"}
        assert names in json.dumps(said["error"])


def test_other_errors(served: Served) -> None:
    """What is no request at all is refused as well, and the connection still serves."""
    with closing(http.client.HTTPConnection(*served.address, timeout=300)) as line:
        for method, path, kind, body, status in (
            ("POST", "/v1/chat/completions", "application/json", b"{", 400),
            ("POST", "/v1/chat/completions", "text/plain", b"{}", 415),
            ("POST", "/v1/audio/speech", "application/json", b"{}", 404),
            ("POST", "/v1/chat/completions", "application/json", b" " * (5 << 20), 413),
            ("DELETE", "/v1/models/voice", "application/json", b"", 405),
            ("GET", "/v1/models/other", "application/json", b"", 404),
            ("GET", "/v1/models/voice", "application/json", b"", 200),
        ):
            line.request(method, path, body, {"Content-Type": kind})
            answer = line.getresponse()
            assert (path, answer.status) == (path, status)
            assert json.loads(answer.read())


def test_strangers_are_kept_out(served: Served, tmp_path: Path) -> None:
    """Without a key, other names and web pages are refused; with one, whoever shows it is let in, and nobody else."""
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        status, said = raw(served, "GET", "/v1/models", headers=headers)
        assert status == 403 and "data" not in said
    with serving(tmp_path, "", "--address", "0.0.0.0") as other:
        key = other.state / "serve.key"
        assert key.stat().st_mode & 0o777 == 0o600
        other = Served(other.process, other.url.replace("0.0.0.0", "127.0.0.1"), other.state, other.root)
        assert raw(other, "GET", "/v1/models")[0] == 401
        assert raw(other, "GET", "/health")[0] == 200
        with other.client(key.read_text().strip()) as known:
            assert known.models.retrieve("voice").id == "voice"


def test_key_of_the_environment(blog: Blog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key in the variable that the settings name counts on every address, and is no setting itself."""
    blog.settings()
    settings = blog.workspace().config.serve
    assert key_for(settings, tmp_path / "key") == ("", False)
    monkeypatch.setenv(settings.key_env, "a-key")
    settings = blog.workspace().config.serve
    for address in ("127.0.0.1", "192.0.2.1"):
        assert key_for(dataclasses.replace(settings, address=address), tmp_path / "key") == ("a-key", False)
    assert not (tmp_path / "key").exists()


def test_who_hangs_up_frees_the_place(served: Served, client: openai.OpenAI) -> None:
    """Answers that nobody waits for any more are given up: while streaming, without, and while the prompt is read."""
    endless = chat("List numbers.", response_format=LONG, max_tokens=1900)
    for body, heard in (({**endless, "stream": True}, 300), (endless, 0), (chat("word " * 1900), 0)) * 2:
        served.hang_up_after(body, heard)
    said = client.with_options(timeout=60).chat.completions.create(**chat("Name one fruit.", max_tokens=3))
    assert said.usage is not None and said.usage.completion_tokens == 3


def test_beginnings_are_read_once(client: openai.OpenAI) -> None:
    """Clients that take turns, more of them than there are places, each find their own beginning again."""
    systems = [f"You are clerk number {i}. " + "Answer briefly. " * 20 for i in range(3)]

    def ask(system: str, text: str) -> Any:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
        return client.chat.completions.create(model="base", messages=messages, max_tokens=1).usage

    for system in systems:
        ask(system, "Good morning.")
    for system in systems:
        usage = ask(system, "What is the time?")
        assert usage.prompt_tokens_details.cached_tokens > 0.8 * usage.prompt_tokens


def test_sixteen_at_once(served: Served) -> None:
    """Sixteen clients who ask at the same moment are all answered, and small questions meanwhile as well."""

    def ask(number: int) -> int:
        with served.client() as client:
            asked = chat(f"Count to {number}.", max_tokens=6, stream=True, stream_options={"include_usage": True})
            text, why, usage = written(client.chat.completions.create(**asked))
            assert text and why in ("stop", "length")
            return int(usage.completion_tokens)

    with ThreadPoolExecutor(17) as pool:
        asked = [pool.submit(ask, number) for number in range(16)]
        assert raw(served, "GET", "/v1/models")[0] == 200
        assert all(0 < one.result(60) <= 6 for one in asked)


def test_voice_never_trains_itself(served: Served, client: openai.OpenAI) -> None:
    """What was said as the voice is known as ours, also to a client who left in the middle; the base's is not."""
    said = client.chat.completions.create(**{**chat(TEXT), "model": "voice:dry"}).choices[0].message.content or ""
    base = client.chat.completions.create(**chat("Write about the sea.", max_tokens=20)).choices[0].message.content
    gone = {**chat("Describe our garden gate.", stream=True, max_tokens=400), "model": "voice"}
    served.hang_up_after({**gone, "response_format": LONG}, 1500)
    ledger = Ledger(served.state / "ledger.db")
    try:
        given = ledger.read("SELECT d.tone, t.text FROM drafts d JOIN texts t ON t.hash = d.draft_hash")
        assert ("dry", said) in given
        assert share_written(ledger, base or "") == 0
        until(
            lambda: ledger.read(
                "SELECT 1 FROM drafts d JOIN texts t ON t.hash = d.source_hash WHERE t.text LIKE ?",
                ("Describe our garden%",),
            )
        )
    finally:
        ledger.close()


def test_new_champion_without_a_restart(tmp_path: Path) -> None:
    """The next request is the new champion's, and the one under way ends on the old one, whose process then goes."""
    with serving(tmp_path) as server, server.client() as client:
        ledger = Ledger(server.state / "ledger.db")
        try:
            asked = {**chat(TEXT, max_tokens=8), "model": "voice"}

            def say() -> str:
                return client.chat.completions.create(**asked).choices[0].message.content or ""

            before, old = say(), server.models
            stream = client.chat.completions.create(
                **{**asked, "max_tokens": 60}, response_format=LONG, stream=True, stream_options={"include_usage": True}
            )
            next(iter(stream))
            promote_random(ledger, tmp_path / "one", 1)
            first = say()
            promote_random(ledger, tmp_path / "two", 2)
            second = say()
            assert len({before, first, second}) == 3
            assert written(stream)[2].completion_tokens == 60
            until(lambda: len(server.models) == 2)  # the base stays, the first champion went
            assert set(old) < set(server.models)
            registry.rollback(ledger)
            assert say() == first
        finally:
            ledger.close()


def test_model_that_crashes(served: Served, client: openai.OpenAI) -> None:
    """A model's process that dies takes its answer with it and nothing else: the next question is answered."""
    stream = iter(client.chat.completions.create(**chat("Go on.", response_format=LONG, max_tokens=900, stream=True)))
    next(stream)
    for pid in served.models:
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(openai.APIError, match="ended with -9"):
        list(stream)
    assert client.chat.completions.create(**chat("Name one fruit.", max_tokens=3)).choices


@pytest.mark.proof
def test_llm(served: Served, tmp_path: Path) -> None:
    """The `llm` tool finds the voice and its tones by the plug-in, and in the server, and both say the same."""
    (tmp_path / "llm").mkdir()
    (tmp_path / "llm" / "extra-openai-models.yaml").write_text(
        f'- model_id: far\n  model_name: "voice:dry"\n  api_base: "{served.url}"\n  supports_schema: true\n'
    )
    env = {**os.environ, "LLM_USER_PATH": str(tmp_path / "llm"), "PYTHONPATH": str(REPOSITORY)}

    def run(*words: str) -> str:
        words = (sys.executable, "-m", "llm", *words)
        done = subprocess.run(words, cwd=served.root, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    here, far = (run("-m", model, TEXT, "-o", "max_tokens", "6") for model in ("tonewright:dry", "far"))
    assert here == far and here
    assert set(json.loads(run("-m", "far", "--schema", "name, age int", "Tom is 3."))) == {"name", "age"}


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_client_suite(served: Served, tell: Tell) -> None:
    """Sixteen clients at once, each with every kind of request in an order of its own, a fifth of them hanging up."""
    counts: dict[str, int] = {}
    guard = threading.Lock()

    def done(kind: str) -> None:
        with guard:
            counts[kind] = counts.get(kind, 0) + 1

    def one(number: int) -> None:
        chance = random.Random(number)
        with served.client() as client:
            for _ in range(ROUNDS):
                kind = chance.choice(list(KINDS))
                KINDS[kind](served, client, chance)
                done(kind)

    with ThreadPoolExecutor(16) as pool:
        for finished in [pool.submit(one, number) for number in range(16)]:
            finished.result(800)
    assert raw(served, "GET", "/health")[0] == 200
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    tell(f"serve: {sum(counts.values())} requests of 16 clients at once, all as asked: {told}")


ROUNDS = 6


def _chat(_: Served, client: openai.OpenAI, chance: random.Random) -> None:
    model = chance.choice(["base", "voice", "voice:dry"])
    said = client.chat.completions.create(**{**chat(f"Say {chance.random()}.", max_tokens=8), "model": model})
    assert said.choices[0].finish_reason in ("stop", "length")
    assert said.usage is not None and 0 <= said.usage.completion_tokens <= 8


def _stream(_: Served, client: openai.OpenAI, chance: random.Random) -> None:
    asked = chat(
        f"Count from {chance.randrange(99)}.", max_tokens=8, stream=True, stream_options={"include_usage": True}
    )
    _text, why, usage = written(client.chat.completions.create(**asked))
    assert why in ("stop", "length") and 0 <= usage.completion_tokens <= 8


def _schema(_: Served, client: openai.OpenAI, chance: random.Random) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "animal", "schema": SCHEMA}}
    asked = chat("A beast.", response_format=form, temperature=1, seed=chance.randrange(99), max_tokens=80)
    assert json.loads(client.chat.completions.create(**asked).choices[0].message.content or "")["legs"] in (2, 4, 6)


def _completion(_: Served, client: openai.OpenAI, chance: random.Random) -> None:
    told = client.completions.create(model="base", prompt=[f"{chance.random()} is", "One, two,"], max_tokens=4)
    assert [choice.index for choice in told.choices] == [0, 1]


def _vector(_: Served, client: openai.OpenAI, chance: random.Random) -> None:
    assert len(client.embeddings.create(model="base", input=[f"{chance.random()}", "b"]).data) == 2


def _error(served: Served, _: openai.OpenAI, chance: random.Random) -> None:
    fields, status, _names = chance.choice(BAD)
    assert raw(served, "POST", "/v1/chat/completions", {**chat("Hello."), **fields})[0] == status


def _hang_up(served: Served, _: openai.OpenAI, chance: random.Random) -> None:
    streams = chance.random() < 0.5
    body = chat(f"{chance.random()} " * chance.randrange(1, 60), response_format=LONG, stream=streams)
    served.hang_up_after(body, 300 if streams else 0)


KINDS: dict[str, Callable[[Served, openai.OpenAI, random.Random], None]] = {
    "chats": _chat,
    "streams": _stream,
    "schemas": _schema,
    "completions": _completion,
    "embeddings": _vector,
    "errors": _error,
    "hang-ups": _hang_up,
}
