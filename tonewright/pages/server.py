"""A small web server for this machine only: checks who asks, finds the handler, answers with strict headers.

The standard library's server, because it is enough: one author, a handful of tabs, a thread per connection. It adds
nothing to install, and a thread can stream for as long as it likes without holding up the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

from tonewright.connections import Connection, ConnectionServer
from tonewright.errors import TonewrightError, TryLater
from tonewright.pages import html
from tonewright.pages.door import SAFE, Door
from tonewright.pages.ranges import Unsatisfiable, part

LOOPBACK = "127.0.0.1"
MOST_BODY = 1 << 16  # bytes of a form
HTML, TEXT = "text/html; charset=utf-8", "text/plain; charset=utf-8"

# Nothing from outside, no script or style in the page itself: text that slips through escaping still cannot act.
# The referrer stays within the page: with none at all, browsers say that forms come from nowhere.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Request:
    """What a handler gets to see: `rest` is what the path says after the route's name."""

    rest: str = ""
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Response:
    """What a handler answers."""

    body: bytes
    kind: str = HTML
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Response]
Routes = Mapping[tuple[str, str], Handler]  # (method, first part of the path): handler


class Server(ConnectionServer):
    """Serves `routes` on a loopback port of its own until `shutdown`."""

    def __init__(self, port: int, routes: Routes, at_end: Callable[[], None]) -> None:
        """`port` 0 takes any that is free. `at_end` is called in every connection's thread before it ends.

        Raises `TryLater` when somebody else has the port.
        """
        try:
            super().__init__((LOOPBACK, port), _Connection)
        except OSError as e:
            raise TryLater(f"port {port} cannot be had ({e.strerror})", "choose another --port, or none") from e
        self.routes, self.at_end = routes, at_end
        self.door = Door(self.server_port)

    @property
    def url(self) -> str:
        """Where to go first; the token in it turns into a cookie there."""
        return f"http://{LOOPBACK}:{self.server_port}/?token={self.door.token}"


class _Connection(Connection):
    """One connection, with as many requests as the browser likes to send over it."""

    server: Server

    def do_GET(self) -> None:
        """Read something."""
        self._answer()

    do_HEAD = do_POST = do_GET

    def _answer(self) -> None:
        door, headers = self.server.door, {name.title(): value for name, value in self.headers.items()}
        if why := door.fault(self.command, headers):
            self.close_connection = True  # what else it sends is not even read
            return self._send(_plain(HTTPStatus.FORBIDDEN, why))
        try:
            url, body = urlsplit(self.path), self._body()
        except ValueError:
            self.close_connection = True
            return self._send(_plain(HTTPStatus.BAD_REQUEST, "that is no request of this page"))
        token = dict(parse_qsl(url.query)).get("token", "")
        if self.command in SAFE and token and door.opens(token):
            found = {"Location": "/", "Set-Cookie": door.cookie}
            return self._send(Response(b"", TEXT, HTTPStatus.SEE_OTHER, found))
        if not door.knows(headers):
            return self._send(_plain(HTTPStatus.FORBIDDEN, "open the address that the terminal shows: it has a token"))
        return self._send(self._handled(url.path, body))

    def _handled(self, path: str, body: bytes) -> Response:
        name, _, rest = path.lstrip("/").partition("/")
        handler = self.server.routes.get(("GET" if self.command in SAFE else self.command, name))
        if handler is None:
            return _plain(HTTPStatus.NOT_FOUND, "there is no such page")
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        try:
            return handler(Request(unquote(rest), form))
        except TonewrightError as e:
            return _plain(HTTPStatus.CONFLICT, str(e))

    def _body(self) -> bytes:
        """The form that came along. Raises `ValueError` when it is larger than any of ours."""
        size = int(self.headers.get("Content-Length") or 0)
        if not 0 <= size <= MOST_BODY or self.headers.get("Transfer-Encoding"):
            raise ValueError(size)
        return self.rfile.read(size)

    def _send(self, response: Response) -> None:
        response = self._ranged(response)
        self.send_response(response.status)
        for name, value in {**HEADERS, **response.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", response.kind)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def _ranged(self, response: Response) -> Response:
        """Sounds are sent in the parts that the browser asks for."""
        if not response.kind.startswith("audio/") or response.status != HTTPStatus.OK:
            return response
        size, headers = len(response.body), {**response.headers, "Accept-Ranges": "bytes"}
        try:
            wanted = part(self.headers.get("Range", ""), size)
        except Unsatisfiable:
            headers["Content-Range"] = f"bytes */{size}"
            return Response(b"", TEXT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers)
        if wanted is None:
            return Response(response.body, response.kind, headers=headers)
        start, stop = wanted
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
        return Response(response.body[start:stop], response.kind, HTTPStatus.PARTIAL_CONTENT, headers)


def static(request: Request) -> Response:
    """The handler of what all pages share."""
    found = html.static(request.rest)
    return Response(*found) if found else _plain(HTTPStatus.NOT_FOUND, "there is no such file")


def _plain(status: HTTPStatus, sentence: str) -> Response:
    return Response(f"{sentence}\n".encode(), TEXT, status)
