"""From a name in the configuration to a machine that `tonewright/remote` can talk to."""

from __future__ import annotations

import sys
from pathlib import Path

from tonewright.errors import ConfigError
from tonewright.remote.host import HostSettings
from tonewright.workspace import Workspace, cache_folder

LOCAL = "local"


def settings_for(workspace: Workspace, name: str) -> HostSettings:
    """How to reach the host called `name`; `local` is this machine with this Python.

    Raises `ConfigError` when [hosts] does not name it.
    """
    known_hosts = workspace.folder() / "known_hosts"
    if name == LOCAL:
        # In the cache, so that all blogs share the converted bases; a job that is lost there is sent again.
        root = cache_folder() / "host"
        return HostSettings(name=LOCAL, python=sys.executable, root=str(root), known_hosts=known_hosts)
    entry = workspace.config.hosts.get(name)
    if entry is None:
        known = ", ".join([LOCAL, *workspace.config.hosts])
        raise ConfigError(f"[hosts] does not name {name!r}", f"known: {known}")
    if not entry.address:
        raise ConfigError(f"[hosts.{name}] has no address", 'give it one, such as address = "gpu-laptop.local"')
    return HostSettings(
        name=name,
        address=entry.address,
        user=entry.user,
        port=entry.port,
        python=entry.python,
        root=entry.root,
        known_hosts=known_hosts,
        identity=Path(entry.identity).expanduser() if entry.identity else None,
    )
