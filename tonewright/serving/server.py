"""The server itself: HTTP in, JSON or a stream of events out, a thread for each connection.

The standard library's server, as for the local pages: the model is what takes time, and it is in another process.
"""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any
from urllib.parse import unquote, urlsplit

from tonewright.connections import Connection, ConnectionServer
from tonewright.errors import TonewrightError, TryLater
from tonewright.serving import wire
from tonewright.serving.api import Api
from tonewright.serving.forms import Json
from tonewright.serving.guard import Guard
from tonewright.serving.runner import Gone
from tonewright.serving.wire import ApiError

MOST_BODY = 4 << 20  # bytes
_MOST_DISCARDED = 64 << 20
_JSON, _EVENTS = "application/json", "text/event-stream; charset=utf-8"


class Server(ConnectionServer):
    """Serves `api` on `port` of `address` (0: any that is free) to whom `key` lets in."""

    request_queue_size = 128

    def __init__(self, address: str, port: int, key: str, api: Api, at_end: Callable[[], None]) -> None:
        """`at_end` is called in every connection's thread before it ends. Raises `TryLater` for a taken port."""
        if ":" in address:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((address, port), _Connection)
        except OSError as e:
            raise TryLater(f"{address} port {port} cannot be had ({e.strerror})", "choose another --port") from e
        self.api, self.at_end = api, at_end
        self.guard = Guard(address, self.server_port, key)

    @property
    def url(self) -> str:
        """What clients call the base URL."""
        host = str(self.server_address[0])
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_port}/v1"


class _Connection(Connection):
    """One connection, with as many requests as the client likes to send over it."""

    server: Server

    def do_GET(self) -> None:
        """What there is."""
        self._answer({"health": self._health, "v1/models": self._models})

    def do_POST(self) -> None:
        """Something to be written, or a vector."""
        self._answer(
            {"v1/chat/completions": self._chat, "v1/completions": self._completion, "v1/embeddings": self._embeddings}
        )

    do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_GET

    def _answer(self, routes: Mapping[str, Callable[[str], None]]) -> None:
        path = urlsplit(self.path).path.strip("/")
        name = "v1/models" if path.startswith("v1/models/") else path
        length = self.headers.get("Content-Length", "0" if self.command == "GET" else "")
        self._unread: int | None = int(length) if length.isdecimal() else None
        try:
            if name != "health":
                self.server.guard.check({key.title(): value for key, value in self.headers.items()})
            if self.command not in ("GET", "POST"):
                raise ApiError(405, f"{self.command} is not done here")
            if name not in routes:
                raise ApiError(404, f"there is no {self.command} /{path} here", code="unknown_url")
            routes[name](unquote(path[len(name) + 1 :]))
        except ApiError as e:
            self._discard()
            self._send(e.status, e.body)
        except Gone:
            self.close_connection = True
        except TonewrightError as e:
            self._send(503, ApiError(503, str(e), kind="server_error").body)

    def _health(self, _: str) -> None:
        self._send(200, {"status": "ok"})

    def _models(self, name: str) -> None:
        self._send(200, self.server.api.model(name) if name else self.server.api.models())

    def _chat(self, _: str) -> None:
        self._written(wire.chat(self._body()))

    def _completion(self, _: str) -> None:
        self._written(wire.completion(self._body()))

    def _embeddings(self, _: str) -> None:
        self._send(200, self.server.api.embeddings(self._body(), self._gone))

    def _written(self, asked: wire.Asked) -> None:
        with closing(self.server.api.write(asked, self._gone)) as records:
            first = next(records)  # what is wrong with the request is known by now
            if asked.stream:
                self._stream(first, records)
            else:
                self._send(200, first)

    def _stream(self, first: Json, rest: Iterator[Json]) -> None:
        """Server-sent events, in chunks where the client knows them."""
        chunked = self.request_version != "HTTP/1.0"
        self.send_response(200)
        self.send_header("Content-Type", _EVENTS)
        self.send_header("Cache-Control", "no-store")
        self.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Connection", "close")))
        self.end_headers()

        def tell(text: str) -> None:
            data = f"data: {text}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data) if chunked else data)

        tell(json.dumps(first))
        try:
            for record in rest:
                tell(json.dumps(record))
        except ApiError as e:
            tell(json.dumps(e.body))
        except TonewrightError as e:
            tell(json.dumps(ApiError(503, str(e), kind="server_error").body))
        tell("[DONE]")
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _body(self) -> dict[str, Any]:
        if self.headers.get_content_type() != _JSON:  # anything else, a web page could send without asking first
            raise ApiError(415, "send JSON, with Content-Type: application/json")
        if self._unread is None:
            raise ApiError(411, "say how long the body is, with Content-Length")
        if self._unread > MOST_BODY:
            raise ApiError(413, f"the body is {self._unread} bytes long, and {MOST_BODY} are the most")
        data, self._unread = self.rfile.read(self._unread), 0
        return dict(wire.body_of(data))

    def _discard(self) -> None:
        """Read what is left of a body that nobody wants: who is still sending would not hear the answer."""
        if self._unread is None or self._unread > _MOST_DISCARDED:
            self.close_connection = True
            return
        while self._unread and (block := self.rfile.read(min(self._unread, 1 << 16))):
            self._unread -= len(block)

    def _gone(self) -> bool:
        """Whether the client has hung up; what it sends meanwhile is left for later."""
        look = select.poll()
        look.register(self.connection, select.POLLIN | select.POLLHUP | select.POLLERR)
        if not look.poll(0):
            return False
        try:
            return not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def _send(self, status: int, record: Json) -> None:
        data = json.dumps(record, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", _JSON)
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)
