"""Where requests go: the address from the configuration, never from the environment, and whether it is this machine."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tonewright.config.load import FILE_NAME
from tonewright.config.schema import Hosted
from tonewright.errors import ConfigError, Missing
from tonewright.workspace import Workspace, user_file

# Exactly these: any other name may be somebody else's machine, and a loopback address of one's own may be a tunnel.
THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible service. `local` means that nothing leaves the machine: no gate, no budget, no key."""

    base_url: str
    host: str
    local: bool
    timeout: float
    key: str = field(repr=False)


def is_this_machine(settings: Hosted) -> bool:
    """Whether the configured address is this very machine."""
    return urlsplit(settings.base_url).hostname in THIS_MACHINE


def endpoint_for(workspace: Workspace) -> Endpoint:
    """The service of a blog, as `endpoint_of` tells it.

    Also raises `ConfigError` when the blog's own file names the address or the key's variable: whoever clones a blog
    would send texts and a key to wherever its author likes.
    """
    settings = workspace.config.hosted
    for key in () if is_this_machine(settings) else ("base_url", "key_env"):
        if workspace.origins.get(f"hosted.{key}") == str(workspace.root / FILE_NAME):
            raise ConfigError(
                f"hosted.{key} stands in {FILE_NAME}, and whoever clones a blog should not be sent elsewhere by it",
                f"write it into {user_file()}",
            )
    return endpoint_of(settings)


def endpoint_of(settings: Hosted, env: Mapping[str, str] = os.environ) -> Endpoint:
    """The configured service, with the key from the environment.

    Raises `ConfigError` for an address, a model or prices that cannot be used, and `Missing` without a key.
    """
    parts = urlsplit(settings.base_url)
    host, local = parts.hostname or "", is_this_machine(settings)
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query:
        raise ConfigError(f"hosted.base_url is {settings.base_url!r}", "write https://HOST/v1")
    if not settings.model:
        raise ConfigError("hosted.model is empty", "name a model as its provider calls it")
    if local:
        return Endpoint(settings.base_url, parts.netloc, True, settings.timeout_seconds, env.get(settings.key_env, "-"))
    if parts.scheme == "http" and not _is_loopback(host):
        raise ConfigError(f"hosted.base_url is {settings.base_url}, where anybody could read along", "write https://")
    if settings.price_in <= 0 or settings.price_out <= 0:
        raise ConfigError(
            "hosted.price_in and hosted.price_out are not set, so the caps could not hold",
            "take them from the provider's price list, per million tokens",
        )
    key = env.get(settings.key_env, "")
    if not key:
        raise Missing(f"${settings.key_env} is empty, and {host} wants a key", f"export {settings.key_env}=...")
    return Endpoint(settings.base_url, parts.netloc, False, settings.timeout_seconds, key)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
