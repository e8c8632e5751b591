"""An OpenAI-compatible server on loopback that keeps every byte that it is sent, and can fail in every way.

It listens on 127.0.0.2: only 127.0.0.1, ::1 and localhost count as "this machine", so to tonewright this is somebody
else's server, without any switch in the product that a test could forget to turn back.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ELSEWHERE, HERE = "127.0.0.2", "127.0.0.1"
GOOD = "good"
# What the host works on before it fails, and bills all the same.
BILLED = ("half", "silence", "trickle", "not json", "gateway", "no completion")
UNBILLED = ("429", "500", "401", "404", "307")
ODD = ("prose", "wrong tone", "missing", "extra", "not an object", "no usage", "nonsense usage")
KEY = "a-key-for-tests"
ADDRESS = "TONEWRIGHT_HOSTED_BASE_URL"


@dataclass(frozen=True)
class Heard:
    """One request as it arrived, what became of it, and what this host charges for it (millionths)."""

    path: str
    body: bytes
    fault: str
    charge: int
    headers: dict[str, str]

    @property
    def sha256(self) -> str:
        """What the outbox should call it."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass
class Host:
    """The server's memory. `plan` is worked off first, then faults come by chance with the given `odds`."""

    address: str
    plan: list[str] = field(default_factory=list)
    odds: dict[str, float] = field(default_factory=dict)
    price_in: int = 1_000_000  # millionths per million tokens, as in the settings of `settings`
    price_out: int = 2_000_000
    heard: list[Heard] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    batch_answers: bool = True  # False: a batch stays in progress
    slow: float = 0.0  # seconds before and after a file or a batch is taken, so that a kill finds its way in between
    port: int = 0
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    chance: random.Random = field(default_factory=lambda: random.Random(4))

    @property
    def url(self) -> str:
        """What `hosted.base_url` is set to."""
        return f"http://{self.address}:{self.port}/v1"

    @property
    def chats(self) -> list[Heard]:
        """Requests for chat completions."""
        return [h for h in self.heard if h.path.endswith("/chat/completions")]

    def everything(self) -> bytes:
        """All that ever arrived."""
        return b"\n".join([*(h.body for h in self.heard), *self.uploads.values()])

    def settings(self, more: str = "") -> str:
        """`[hosted]` for this server, with prices of 1 and 2 per million tokens."""
        return (
            f'[hosted]\nmodel = "judge"\nprice_in = 1\nprice_out = 2\nat_once = 32\n'
            f'timeout_seconds = 2\nfallback_tagger = "none"\nfallback_pairs = "rules"\nbatch_from = 0\n{more}\n'
        )

    def next_fault(self) -> str:
        """What happens to the next request."""
        with self.lock:
            if self.plan:
                return self.plan.pop(0)
            return self.chance.choices([GOOD, *self.odds], [1 - sum(self.odds.values()), *self.odds.values()])[0]


@contextmanager
def hosting(address: str = ELSEWHERE, **how: Any) -> Iterator[Host]:
    """A server that lasts as long as the block; the author's own environment leads to it."""
    host = Host(address, **how)
    server = _Server((address, 0), _Handler)
    server.host = host
    host.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    before = os.environ.get(ADDRESS)
    os.environ[ADDRESS] = host.url
    try:
        yield host
    finally:
        os.environ.pop(ADDRESS) if before is None else os.environ.update({ADDRESS: before})
        host.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def answer_to(body: dict[str, Any]) -> dict[str, Any]:
    """A tone, or a plain version, for each passage: the schema tells which is wanted."""
    passages = json.loads(body["messages"][1]["content"])["passages"]
    wanted = body["response_format"]["json_schema"]["schema"]["properties"]
    told: dict[str, Any] = {}
    for name, text in passages.items():
        if wanted[name]["type"] == "string":
            told[name] = re.sub(r"\b(really|frankly|of course|honestly),? ", "", text)
        else:
            tones = wanted[name]["properties"]["tone"]["enum"]
            told[name] = {"tone": tones[len(text) % len(tones)], "confidence": "high"}
    return told


def billed(sent: bytes, said: str) -> tuple[int, int]:
    """Tokens in and out, as this host counts them."""
    return max(1, len(sent) // 4), max(1, len(said) // 4)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    host: Host

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is none of our business."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        host = self.server.host
        self._note(b"", GOOD, 0)
        parts = self.path.partition("?")[0].split("/")
        if parts[2] == "files":
            self._send(200, host.uploads[parts[3]], "application/octet-stream")
        elif len(parts) == 4:
            self._json(200, self._moved_on(host.batches[parts[3]]))
        else:
            self._json(200, {"object": "list", "data": list(host.batches.values())[::-1], "has_more": False})

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["content-length"]))
        kind = self.path.rpartition("/v1/")[2]
        if kind == "files":
            self._upload(sent)
        elif kind == "batches":
            self._batch(sent)
        elif kind == "audio/transcriptions":
            self._note(sent, GOOD, 0)
            said = ("It", "was", "a", "slow", "day")
            words = [{"word": word, "start": n * 0.5, "end": n * 0.5 + 0.4} for n, word in enumerate(said)]
            segments = [{"start": 0, "end": 9, "avg_logprob": -0.1}]
            self._json(
                200,
                {"text": "It was a slow day", "duration": 9.0, "language": "en", "words": words, "segments": segments},
            )
        else:
            self._chat(sent)

    def _chat(self, sent: bytes) -> None:
        host, fault = self.server.host, self.server.host.next_fault()
        if self.headers["authorization"] != f"Bearer {KEY}" and host.address == ELSEWHERE:
            fault = "401"
        body = json.loads(sent)
        said = _said(answer_to(body), fault)
        tokens = billed(sent, said)
        charge = -(-(tokens[0] * host.price_in + tokens[1] * host.price_out) // 1_000_000)
        self._note(sent, fault, 0 if fault in UNBILLED else charge)
        if fault in UNBILLED:
            # A redirect leads back to us: who follows it is heard twice.
            headers = {
                "429": {"Retry-After": "0"},
                "500": {"Retry-After": "0"},
                "307": {"Location": f"{host.url}/chat/completions"},
            }
            self._json(int(fault), {"error": {"message": "no"}}, headers.get(fault, {}))
            return
        answer = json.dumps(completion(said, *tokens, usage=fault)).encode()
        if fault == "gateway":
            self._json(502, {"error": {"message": "bad gateway"}}, {"Retry-After": "0"})
        elif fault == "silence":
            host.closing.wait(40)
            self.close_connection = True
        elif fault == "not json":
            self._send(200, b"<html>It works!</html>", "application/json")
        elif fault == "no completion":
            self._json(200, {"choices": []})
        elif fault in ("half", "trickle"):
            self._slowly(answer, fault)
        else:
            self._send(200, answer, "application/json")

    def _slowly(self, answer: bytes, fault: str) -> None:
        """Half of the answer and no more, or all of it, a byte now and then."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.close_connection = True
        if fault == "half":
            self.wfile.write(answer[: len(answer) // 2])
            return
        for byte in answer:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self.server.host.closing.wait(0.25):
                return

    def _upload(self, sent: bytes) -> None:
        host = self.server.host
        boundary = self.headers["content-type"].partition("boundary=")[2].encode()
        part = next(p for p in sent.split(b"--" + boundary) if b"filename=" in p)
        host.closing.wait(host.slow)
        name = f"file-{len(host.uploads)}"
        host.uploads[name] = part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
        self._note(sent, GOOD, 0)
        self._json(
            200,
            {
                "id": name,
                "object": "file",
                "bytes": len(sent),
                "created_at": 0,
                "filename": "f",
                "purpose": "batch",
                "status": "processed",
            },
        )

    def _batch(self, sent: bytes) -> None:
        host, fault = self.server.host, self.server.host.next_fault()
        self._note(sent, fault, 0)
        if fault in UNBILLED:
            self._json(int(fault), {"error": {"message": "no"}})
            return
        host.closing.wait(host.slow)
        told = json.loads(sent)
        name = f"batch-{len(host.batches)}"
        host.batches[name] = {
            "id": name,
            "object": "batch",
            "endpoint": told["endpoint"],
            "input_file_id": told["input_file_id"],
            "completion_window": "24h",
            "created_at": 0,
            "metadata": told["metadata"],
            "status": "in_progress",
        }
        host.closing.wait(host.slow)
        if fault == "silence":  # it has the batch, and the client will never know
            host.closing.wait(40)
            self.close_connection = True
            return
        self._json(200, host.batches[name])

    def _moved_on(self, batch: dict[str, Any]) -> dict[str, Any]:
        host = self.server.host
        if batch["status"] == "in_progress" and host.batch_answers:
            lines = []
            for line in host.uploads[batch["input_file_id"]].decode().splitlines():
                request = json.loads(line)
                said = json.dumps(answer_to(request["body"]))
                whole = completion(said, *billed(json.dumps(request["body"]).encode(), said))
                lines.append({"custom_id": request["custom_id"], "response": {"status_code": 200, "body": whole}})
            output = f"file-{len(host.uploads)}"
            host.uploads[output] = "\n".join(json.dumps(line) for line in lines[::-1]).encode()
            batch.update(status="completed", output_file_id=output)
        return batch

    def _note(self, body: bytes, fault: str, charge: int) -> None:
        headers = {key.lower(): value for key, value in self.headers.items()}
        with self.server.host.lock:
            self.server.host.heard.append(Heard(self.path, body, fault, charge, headers))

    def _json(self, code: int, record: object, headers: dict[str, str] | None = None) -> None:
        self._send(code, json.dumps(record).encode(), "application/json", headers)

    def _send(self, code: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def completion(said: str, tokens_in: int, tokens_out: int, usage: str = "") -> dict[str, Any]:
    """The body of a chat completion."""
    counted: dict[str, Any] = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out}
    message = {"role": "assistant", "content": said}
    told = {
        "id": "x",
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
    }
    if usage == "nonsense usage":
        counted = {"prompt_tokens": -5, "completion_tokens": "many"}
    return told if usage == "no usage" else {**told, "usage": counted}


def _said(answer: dict[str, Any], fault: str) -> str:
    """The words of the model, good or odd."""
    first = next(iter(answer))
    if fault == "prose":
        return "Sure! I think that this one is snark."
    if fault == "wrong tone":
        answer[first] = {"tone": "furious", "confidence": "high"}
    elif fault == "missing":
        del answer[first]
    elif fault == "extra":
        answer["p999"] = {"tone": "dry", "confidence": "high"}
    elif fault == "not an object":
        return json.dumps(list(answer.values()))
    return json.dumps(answer)
