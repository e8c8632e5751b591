"""Sets a machine up for training, from nothing but Python: as a job of its own, so that a cut line only delays it."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tonewright.config.schema import HostEntry
from tonewright.errors import ConfigError, Missing, TonewrightError, TryLater
from tonewright.remote import courier
from tonewright.remote.host import Host, HostReport

LEAST_PYTHON = (3, 10)
SHIPPED = Path(__file__).with_name("requirements.txt")
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
ROOM = {True: 14 * 10**9, False: 4 * 10**9}  # bytes that the shipped set and its downloads take, with CUDA and without
ASK_SECONDS = 1.0


@dataclass(frozen=True)
class Wanted:
    """What a machine is to have: `digest` names the whole; `options` are pip's; `gpu` is what its driver shows."""

    digest: str
    requirements: str
    options: tuple[str, ...]
    gpu: str
    own_pip: bool

    def steps(self, root: str) -> list[str]:
        """What has to be done, a line each."""
        packages = [line for line in self.requirements.splitlines() if line.strip() and not line.startswith("#")]
        torch = next((line.split(";")[0].strip() for line in packages if line.startswith("torch==")), "no PyTorch")
        return [
            f"make an environment in {root}/venv" + (" (with the pip of this machine)" if self.own_pip else ""),
            f"install {len(packages)} packages, {torch} for {self.gpu or 'the processor'}: "
            f"{' '.join(self.options) or 'from PyPI'}",
            "try PyTorch, bitsandbytes and our own code there",
        ]


def wanted(entry: HostEntry, report: HostReport, resolve: Callable[[str], Path]) -> Wanted:
    """What the machine of `report` needs. Raises `Missing` or `TryLater` when it cannot be put there."""
    host = f"host {report.name}"
    if tuple(map(int, report.python.split(".")[:2])) < LEAST_PYTHON:
        raise Missing(
            f"{host} has Python {report.python}, and training needs {'.'.join(map(str, LEAST_PYTHON))} or newer",
            f"install one there and set `python` under [hosts.{report.name}]",
        )
    if not report.ensurepip and importlib.util.find_spec("pip") is None:
        raise Missing(f"{host} has a Python without venv", "there: sudo apt install python3-venv")
    gpu = ", ".join(g["name"] for g in report.gpus)
    try:
        text = (resolve(entry.requirements) if entry.requirements else SHIPPED).read_text(encoding="utf-8")
    except OSError as e:
        raise ConfigError(f"[hosts.{report.name}] requirements cannot be read ({e})", "mend the path") from e
    room = ROOM[bool(gpu)]
    if not entry.requirements and not report.ready and report.free_bytes < room:
        raise TryLater(
            f"{host} has {report.free_bytes / 1e9:.1f} GB free, and what training needs takes {room / 1e9:.0f}",
            "free some space there",
        )
    options = _options(entry, gpu)
    told = json.dumps([text, options, gpu, report.python.split(".")[:2]])
    return Wanted(hashlib.sha256(told.encode()).hexdigest()[:12], text, options, gpu, not report.ensurepip)


def _options(entry: HostEntry, gpu: str) -> tuple[str, ...]:
    """Where pip looks. A folder of wheels stands for all that there is."""
    options: list[str] = []
    if entry.index:
        options += ["--index-url", entry.index] if "://" in entry.index else ["--no-index", "--find-links", entry.index]
    torch = entry.torch_index or ("" if gpu or entry.index else CPU_INDEX)
    if torch:
        options += ["--extra-index-url", torch]
    return tuple(options)


def install(host: Host, wanted: Wanted, folder: Path, say: Callable[[str], None]) -> list[str]:
    """Make the machine have it, and say what it can use then. `folder` holds the job's inputs on this side.

    Repeated after a cut line it finds the job at work, or goes on where that was left. Raises `TryLater` when the
    line is cut, and `TonewrightError` with the machine's own words when it cannot be done.
    """
    code = write_job(folder, wanted)
    for attempt in count():
        run = f"setup-{wanted.digest}-{code[:8]}-{attempt}"
        state = courier.poll(host, run)
        if state.state != "finished" or state.rc:  # one that ended well and is gone since has to be done anew
            break
    courier.ship(host, folder, run, {}, lambda name, done, size: say(f"sending {name}: {done} of {size} bytes"))
    state = courier.start(host, run, again=True)
    while state.state != "finished":
        say(f"{state.progress.get('phase', 'starting')} (over there; ^C does not stop it)")
        time.sleep(ASK_SECONDS)
        state = courier.start(host, run) if state.state == "dead" else courier.poll(host, run)
    if state.rc:
        raise TonewrightError(f"host {host.name} is not set up: {state.error}", f"its log: {host.home}/jobs/{run}/log")
    return told(host.check())


def write_job(folder: Path, wanted: Wanted) -> str:
    """The job's inputs; returns the SHA-256 of our code among them."""
    shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    _, code = courier.pack_code(folder)
    if wanted.own_pip:
        spec = importlib.util.find_spec("pip")
        assert spec is not None and spec.origin is not None  # `wanted` has looked
        courier.pack(Path(spec.origin).parent, folder / "pip.zip")
    (folder / "requirements.txt").write_text(wanted.requirements, encoding="utf-8")
    plan: Mapping[str, Any] = {"wanted": wanted.digest, **asdict(wanted)}
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    command = ["{own}", "-m", "tonewright.remote.install", "{job}"]
    (folder / "spec.json").write_text(json.dumps({"command": command}), encoding="utf-8")
    return code


def told(report: HostReport) -> list[str]:
    """What a machine that has been set up can do, for a person."""
    return [
        f"{report.name} is set up: PyTorch {report.torch} on {report.gpu or 'the processor (there is no NVIDIA GPU)'}",
        f"{report.free_bytes / 1e9:.1f} GB of disk free, {report.ram_bytes / 1e9:.1f} GB of memory",
    ]
