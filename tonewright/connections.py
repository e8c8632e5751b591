"""What our HTTP servers have in common: a thread for each connection, no chatter, and a client may hang up."""

from __future__ import annotations

import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

IDLE_SECONDS = 30.0  # without a request, or with a client that does not read


class ConnectionServer(ThreadingHTTPServer):
    """Calls `at_end` in every connection's thread before it ends; who derives from it sets that."""

    daemon_threads = True
    at_end: Callable[[], None]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no error; a fault of ours is shown with its traceback."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Connection(BaseHTTPRequestHandler):
    """One connection, with as many requests as the client likes to send over it."""

    server: ConnectionServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "tonewright", ""
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True

    def finish(self) -> None:
        """The connection is over, and its thread with it."""
        super().finish()
        self.server.at_end()

    def log_message(self, *_: object) -> None:
        """The terminal is for people: requests are not listed there."""
