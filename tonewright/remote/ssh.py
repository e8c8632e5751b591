"""Connections over SSH: the only place that makes a `fabric.Connection`, and so the only one to secure it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from tonewright.errors import ConfigError, TonewrightError, TryLater
from tonewright.remote import keys
from tonewright.remote.host import HostSettings
from tonewright.remote.waiting import Pulse, Silent, bounded

T = TypeVar("T")


def connect(settings: HostSettings) -> Any:
    """A `fabric.Connection`, not yet opened, with the limits and host keys of `settings` on every hop.

    User, port, jump hosts and identity come from the author's ssh config where `settings` leaves them empty.
    """
    from fabric import Config, Connection
    from paramiko import ConfigParseError

    # paramiko logs whole tracebacks for hosts that are merely asleep; what matters of them is in our errors.
    logging.getLogger("paramiko").addHandler(logging.NullHandler())
    identity = settings.identity.expanduser() if settings.identity else None
    if identity and not identity.is_file():
        raise ConfigError(f"{identity} is not there", f"mend `identity` under [hosts.{settings.name}]")
    config = Config(lazy=True)  # lazy: a fabric.py in the author's home is not run
    try:
        config.load_ssh_config()
    except ConfigParseError as e:
        raise ConfigError(f"the ssh config cannot be read: {e}", "mend ~/.ssh/config") from e
    connection = Connection(
        settings.address,
        user=settings.user or None,
        port=settings.port or None,
        config=config,
        connect_kwargs={"key_filename": str(identity)} if identity else None,
    )
    seconds = settings.connect_timeout
    limits = {"banner_timeout": seconds, "auth_timeout": seconds, "channel_timeout": seconds}
    for hop in hops(connection):
        hop.forward_agent = False
        hop.connect_timeout = seconds
        # An ssh config may name keys that are not on this machine; OpenSSH ignores those, paramiko fails.
        files = [f for f in hop.connect_kwargs.get("key_filename", []) if Path(f).is_file()]
        hop.connect_kwargs = {**hop.connect_kwargs, **limits, "key_filename": files}
        keys.secure(hop.client, settings, keys.lookup_name(hop.host, hop.port), jump=hop is not connection)
    connection.connect_kwargs["look_for_keys"] = not identity
    return connection


def hops(connection: Any) -> Iterator[Any]:
    """The connection, then the jump hosts on the way to it. (A ProxyCommand is a string and has no keys.)"""
    while connection and not isinstance(connection, str):
        yield connection
        connection = connection.gateway


def close(connection: Any) -> None:
    """Close every hop, the nearest last."""
    for hop in hops(connection):
        hop.client.close()


def reach(settings: HostSettings, connection: Any, work: Callable[[Pulse], T]) -> T:
    """Do `work`, which contacts the host for the first time, and say in our own words why it failed."""
    from paramiko import BadHostKeyException, SSHException

    host = f"host {settings.name} ({settings.address})"
    try:
        return bounded(work, settings.connect_timeout)
    except BadHostKeyException as e:
        raise keys.changed_key(settings, e.hostname, e.key.fingerprint) from e
    except (Silent, SSHException, EOFError, OSError) as e:
        transport = connection.client.get_transport()
        talking = transport is not None and transport.active and transport.initial_kex_done
        # paramiko has many exceptions for "none of your keys will do", so we look at how far we got instead.
        if talking and isinstance(e, SSHException) and "timeout" not in str(e).lower():
            raise TonewrightError(
                f"{host} did not let us in: {e}",
                f"check `user` and `identity` under [hosts.{settings.name}], and that the key is in its "
                "~/.ssh/authorized_keys (a key with a passphrase has to be in the ssh agent)",
            ) from e
        raise TryLater(f"{host} cannot be reached: {e or type(e).__name__}", "it may be asleep") from e


def fingerprint(settings: HostSettings) -> tuple[str, str]:
    """The type and the SHA-256 fingerprint of the key that the machine shows, as `ssh-keygen -l` has it."""
    key = shown_key(settings, connect(settings))
    return key.get_name(), key.fingerprint


def trust(settings: HostSettings, seen: str = "") -> tuple[str, str]:
    """Believe the key that the machine shows from now on; returns its type and fingerprint.

    `seen` is the fingerprint that the author agreed to. Raises `HostKeyError` if another one is shown by now.
    """
    connection = connect(settings)
    name = keys.lookup_name(connection.host, connection.port)
    key = shown_key(settings, connection)
    if seen and seen != key.fingerprint:
        raise keys.changed_key(settings, name, key.fingerprint)
    keys.remember(settings.known_hosts, name, key)
    return key.get_name(), key.fingerprint


def distrust(settings: HostSettings) -> None:
    """Forget the key that was believed of the machine."""
    connection = connect(settings)
    keys.remember(settings.known_hosts, keys.lookup_name(connection.host, connection.port), None)


def shown_key(settings: HostSettings, connection: Any) -> Any:
    """The host key that the machine shows, believed or not; we do not log in."""
    import socket

    import paramiko

    address, seconds = (connection.host, connection.port), settings.connect_timeout

    def work(_pulse: Pulse) -> Any:
        line = connection.open_gateway() if connection.gateway else socket.create_connection(address, seconds)
        transport = paramiko.Transport(line)
        try:
            transport.banner_timeout = seconds
            transport.start_client(timeout=seconds)
            return transport.get_remote_server_key()
        finally:
            transport.close()

    try:
        return reach(settings, connection, work)
    finally:
        close(connection)
