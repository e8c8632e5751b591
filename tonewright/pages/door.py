"""Who may talk to a local page: somebody with the token, from the page itself, by a loopback name."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

NAMES = ("127.0.0.1", "localhost")  # a Host header with any other name means that a DNS entry was bent to us
SAFE = frozenset({"GET", "HEAD"})


class Door:
    """The checks of one server on `port`.

    A loopback port is open to every program and every web page on the machine. The token, which only the terminal
    shows, keeps other programs out; Host, Origin and Sec-Fetch-Site keep out pages that the same browser has open.
    """

    def __init__(self, port: int) -> None:
        self.token = secrets.token_urlsafe(24)
        self._pass = secrets.token_urlsafe(24)  # what the cookie holds: the token stays behind in the history
        self._name = f"tonewright-{port}"  # cookies do not tell ports apart
        self._hosts = {f"{name}:{port}" for name in NAMES}

    @property
    def cookie(self) -> str:
        """The Set-Cookie header of the first visit."""
        return f"{self._name}={self._pass}; Path=/; HttpOnly; SameSite=Strict"

    def fault(self, method: str, headers: Mapping[str, str]) -> str:
        """Why this request does not come from the page itself, or ""."""
        host, origin, site = (headers.get(name, "") for name in ("Host", "Origin", "Sec-Fetch-Site"))
        if host not in self._hosts:
            return "this page answers to 127.0.0.1 and localhost only"
        if origin and origin != f"http://{host}":
            return "another page asked for this"
        if site not in ("", "same-origin", "none"):
            return "another page led here; open the address that the terminal shows"
        if method not in SAFE and not origin and site != "same-origin":
            return "the browser does not say which page asked for this"
        return ""

    def knows(self, headers: Mapping[str, str]) -> bool:
        """Whether the request carries the cookie of an earlier visit."""
        try:
            found = SimpleCookie(headers.get("Cookie", "")).get(self._name)
        except CookieError:
            return False
        return found is not None and secrets.compare_digest(found.value.encode(), self._pass.encode())

    def opens(self, token: str) -> bool:
        """Whether `token` is the one that the terminal shows."""
        return secrets.compare_digest(token.encode(), self.token.encode())
