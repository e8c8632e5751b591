"""Who may talk to the server: programs on this machine, and elsewhere whoever has the key."""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from tonewright.config.schema import Serve
from tonewright.errors import ConfigError
from tonewright.serving.wire import ApiError

_NAMES = ("127.0.0.1", "localhost", "[::1]")


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches `address`. Raises `ConfigError` for what is no IP address."""
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError as e:
        raise ConfigError(f"serve.address is {address!r}", "give an IP address, such as 127.0.0.1") from e


def key_for(settings: Serve, file: Path) -> tuple[str, bool]:
    """(the key that clients must show, whether it was made just now); "" on a loopback address without one.

    It is that of the environment, else for other addresses the one in `file`, which is made on first use.
    """
    if key := os.environ.get(settings.key_env, ""):
        return key, False
    if is_loopback(settings.address):
        return "", False
    if file.is_file():
        return file.read_text(encoding="utf-8").strip(), False
    key = f"tw-{secrets.token_urlsafe(24)}"
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(f"{key}\n")
    return key, True


class Guard:
    """The checks of one server on `port` of `address`; with a `key`, it is all that counts.

    Without one, Host keeps out web pages whose name was bent to this machine, and Origin all other pages.
    """

    def __init__(self, address: str, port: int, key: str) -> None:
        self._key = key
        self._hosts = {f"{name}:{port}" for name in (*_NAMES, address)}

    def check(self, headers: Mapping[str, str]) -> None:
        """Raise `ApiError` for a request that may not be answered."""
        if self._key:
            shown = headers.get("Authorization", "").partition("Bearer ")[2].strip()
            if not secrets.compare_digest(shown.encode(), self._key.encode()):
                message = "this server wants its key, as `Authorization: Bearer KEY`"
                raise ApiError(401, message, code="invalid_api_key")
            return
        if headers.get("Host", "") not in self._hosts:
            raise ApiError(403, "this server answers to the names of this machine only", code="wrong_host")
        if headers.get("Origin"):
            raise ApiError(403, "web pages may not ask here; set a key to let them", code="wrong_origin")
