"""From names in the configuration to machines that `tonewright/remote` can talk to, and which of them takes a run."""

from __future__ import annotations

import sys
from pathlib import Path

from tonewright.errors import BadInput, ConfigError, Missing, TonewrightError, TryLater
from tonewright.models.base import base_file
from tonewright.remote import courier, wake
from tonewright.remote.host import HostReport, HostSettings, open_host
from tonewright.training.plan import Facts, plan
from tonewright.training.recipe import load_recipe
from tonewright.training.shape import shape_of
from tonewright.workspace import Workspace, cache_folder, user_file

LOCAL = "local"
LEAST_TORCH = (2, 6)  # older ones can be made to run code by a file of weights
LEAST_FREE = 2 * 10**9  # bytes: a base and its converted copy


def known_hosts() -> Path:
    """The keys of the machines that the author has agreed to: for every blog, as the machines are."""
    return user_file().with_name("known_hosts")


def settings_for(workspace: Workspace, name: str) -> HostSettings:
    """How to reach the host called `name`; `local` is this machine with this Python.

    Raises `ConfigError` when [hosts] does not name it.
    """
    if name == LOCAL:
        # In the cache, so that all blogs share the converted bases; a job that is lost there is sent again.
        root = cache_folder() / "host"
        return HostSettings(name=LOCAL, python=sys.executable, root=str(root), known_hosts=known_hosts())
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
        known_hosts=known_hosts(),
        identity=Path(entry.identity).expanduser() if entry.identity else None,
    )


def choose(workspace: Workspace, run: str) -> str:
    """The first host under `training.host` that is awake and fits; one that has begun `run` comes before all.

    Raises `TryLater` while a host that may fit sleeps (it is sent a packet that wakes it, where `wake` is set), and
    what kept the hosts from it otherwise.
    """
    reasons: dict[str, TonewrightError] = {}
    chosen = ""
    for name in workspace.config.training.host:
        try:
            with open_host(settings_for(workspace, name)) as host:
                state = courier.poll(host, run)
                if state.state not in ("absent", "queued") and not state.rc:
                    return name  # another controller's, or ours from before a crash
                if not chosen:
                    require_fit(workspace, host.check())
                    chosen = name
        except TonewrightError as e:
            reasons[name] = e
    if chosen:
        return chosen
    asleep = [name for name, reason in reasons.items() if isinstance(reason, TryLater)]
    for name in asleep:
        if name != LOCAL and (card := workspace.config.hosts[name].wake):
            wake.send(card)
    if len(reasons) == 1:
        raise next(iter(reasons.values()))
    said = "; ".join(str(reason) for reason in reasons.values())
    if asleep:
        raise TryLater(f"no host can take the run now: {said}")
    raise TonewrightError("no host can take the run", said)


def require_fit(workspace: Workspace, report: HostReport) -> None:
    """Raises `Missing` when the machine of `report` cannot train at all, and `TonewrightError` when not this."""
    if why := lacks(report):
        raise Missing(f"host {report.name} {why}", remedy(report))
    try:
        shape = shape_of(base_file(workspace.config.model.base))
    except BadInput:
        return  # a base that does not tell its shape may be trained by who has its weights
    recipe = load_recipe(workspace.config.training.recipe)
    found = plan(shape, recipe, facts(report), converts=not workspace.config.model.weights)
    if not found.fits:
        raise TonewrightError(f"host {report.name}: {found.why}", "choose a smaller recipe or base, or another host")


def facts(report: HostReport) -> Facts:
    """What the planner has to know of a machine."""
    return Facts(
        ram_bytes=report.ram_free_bytes,
        disk_bytes=report.free_bytes,
        gpu_bytes=report.gpu_free_bytes,
        cores=report.cores,
        bfloat16=report.bfloat16,
    )


def lacks(report: HostReport) -> str:
    """What a machine lacks for any training at all, said after its name; empty when it has it."""
    if report.torch is None:
        return f"has no PyTorch for its Python {report.python}"
    version = tuple(int(part) for part in report.torch.split("+")[0].split(".")[:2] if part.isdigit())
    if version < LEAST_TORCH:
        return f"has PyTorch {report.torch}, and training needs {'.'.join(map(str, LEAST_TORCH))} or newer"
    if report.free_bytes < LEAST_FREE:
        return f"has {report.free_bytes / 1e9:.1f} GB free, and a run needs {LEAST_FREE / 1e9:.0f} GB"
    return ""


def remedy(report: HostReport) -> str:
    """What the author does about a machine that lacks something."""
    if report.torch is not None and report.free_bytes < LEAST_FREE:
        return "free some space there"
    return (
        "pip install 'tonewright[train]'" if report.name == LOCAL else f"run `tonewright host provision {report.name}`"
    )
