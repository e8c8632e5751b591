"""Which host keys we believe: those in our own known_hosts file, then those the author already knows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tonewright.errors import ConfigError, TonewrightError
from tonewright.remote.far import make_private
from tonewright.remote.host import HostSettings


class HostKeyError(TonewrightError):
    """The machine could not prove that it is the one that the author enrolled. Nothing was sent to it."""


def unknown_key(settings: HostSettings, name: str, fingerprint: str, *, jump: bool) -> HostKeyError:
    """The error for a machine that nobody has enrolled yet; a jump host is enrolled by using `ssh` once."""
    how = f"`ssh` to {name} once" if jump else f"enrol it with `tonewright host add {settings.name}`"
    return HostKeyError(
        f"host {settings.name} ({name}) shows a key that is not known here, {fingerprint}",
        f"compare it on that machine, then {how}",
    )


def changed_key(settings: HostSettings, name: str, fingerprint: str) -> HostKeyError:
    """The error for a machine that shows another key than before: set up anew, or somebody in between."""
    return HostKeyError(
        f"host {settings.name} ({name}) shows another key than before, {fingerprint}, so nothing was sent",
        f"if you set it up anew, enrol it again with `tonewright host add {settings.name}`",
    )


def lookup_name(host: str, port: int) -> str:
    """The name under which known_hosts files keep a machine."""
    return host if port == 22 else f"[{host}]:{port}"


def read(file: Path) -> Any:
    """The `paramiko.HostKeys` in a known_hosts file; empty if there is none."""
    import paramiko
    from paramiko.hostkeys import InvalidHostKey

    try:
        return paramiko.HostKeys(str(file) if file.is_file() else None)
    except InvalidHostKey as e:
        raise ConfigError(f"{file} holds a line that is no host key: {e.line}", "take that line out") from e


def secure(client: Any, settings: HostSettings, name: str, *, jump: bool) -> None:
    """Make a `paramiko.SSHClient` accept the known key of `name` and no other.

    Our own file is asked first: after `tonewright host add`, an older entry of the author's must not win.
    """
    import paramiko

    class Reject(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]  # paramiko has no annotations
        """Says which key was shown, which paramiko's own policy does not."""

        def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
            raise unknown_key(settings, hostname, key.fingerprint, jump=jump)

    client.set_missing_host_key_policy(Reject())
    for file in (settings.known_hosts, Path.home() / ".ssh" / "known_hosts"):
        believed = read(file).lookup(name) or {}
        for kind, key in believed.items():
            client.get_host_keys().add(name, kind, key)
        if believed:
            return


def remember(file: Path, name: str, key: Any) -> None:
    """Write `key` as the only one believed for `name` into `file`, aside first, then renamed; None believes none."""
    believed = read(file)
    while name in believed:
        del believed[name]
    if key is not None:
        believed.add(name, key.get_name(), key)
    make_private(file.parent)
    aside = file.with_name(f"{file.name}.part.{os.getpid()}")
    believed.save(str(aside))
    aside.chmod(0o600)
    aside.replace(file)
