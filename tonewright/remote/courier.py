"""Takes a run to a host and brings its model back, in steps that may each be cut short and repeated.

A run is one folder, `<home>/jobs/<run>/`. What many runs share (the base model) lies in `<home>/blobs/` under
its hash and is sent once; over there the supervisor links it into the run's folder as `blobs/<name>`.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import tonewright
from tonewright.errors import BadInput, NothingToDo, TonewrightError
from tonewright.remote.far import sha256_of
from tonewright.remote.host import Host, OnBytes

CODE = {".py", ".toml", ".jsonl"}  # what of our package a training run needs
COMPILED = {".pyc"}
CANCEL_SECONDS = 60.0  # a trainer is given time to stop


@dataclass(frozen=True)
class JobState:
    """How a run stands, as its supervisor tells it.

    `state` is absent, queued, running, stale (alive but silent), dead (gone without a verdict: `start`
    resumes it) or finished. `heartbeat_age` is in seconds by that machine's own clock.
    """

    state: str
    rc: int | None = None
    progress: dict[str, Any] = field(default_factory=dict)
    heartbeat_age: float | None = None
    attempt: int = 0
    log_tail: str = ""
    error: str = ""
    manifest: dict[str, Any] = field(default_factory=dict)


def pack_code(destination: Path, package: Path | None = None) -> tuple[Path, str]:
    """Put what a training run needs of a package (by default this one) into `destination`/code.zip."""
    return pack(package or Path(tonewright.__file__).parent, destination / "code.zip", CODE)


def pack(package: Path, goal: Path, kinds: Collection[str] = ()) -> tuple[Path, str]:
    """Put a package's files into the archive `goal`, all or those of some `kinds`; returns its path and SHA-256.

    The same sources give the same bytes on every machine: sorted, with fixed dates, not compressed.
    """
    aside = goal.with_name(f"{goal.name}.part")
    with zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(p for p in package.rglob("*") if p.is_file() and p.suffix not in COMPILED):
            if kinds and path.suffix not in kinds:
                continue
            info = zipfile.ZipInfo(f"{package.name}/{path.relative_to(package).as_posix()}")
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            archive.writestr(info, path.read_bytes())
    aside.replace(goal)
    return goal, sha256_of(goal)


def ship(host: Host, folder: Path, run: str, blobs: Mapping[str, Path], on_bytes: OnBytes | None = None) -> None:
    """Make `host` hold the run: its blobs, every file of `folder`, and `spec.json` last.

    `folder` holds the run's inputs: spec.json, code.zip (see `pack_code`), train.jsonl and the like. What is
    over there already is not sent again. Raises `BadInput` when the folder is incomplete.
    """
    for name in ("spec.json", "code.zip"):
        if not (folder / name).is_file():
            raise BadInput(f"{folder} holds no {name}", "a run needs it to start")
    names = {name: sha256_of(path) for name, path in sorted(blobs.items())}
    for name, path in blobs.items():
        host.put(path, f"{host.home}/blobs/{names[name]}", on_bytes)
    (folder / "blobs.json").write_text(json.dumps(names, indent=1) + "\n", encoding="utf-8")
    there = job_folder(host, run)
    host.put(Path(__file__).with_name("job.py"), f"{there}/job.py", on_bytes)
    inputs = sorted(p for p in folder.rglob("*") if p.is_file() and p != folder / "spec.json")
    for path in [*inputs, folder / "spec.json"]:
        host.put(path, f"{there}/{path.relative_to(folder).as_posix()}", on_bytes)


def start(host: Host, run: str, *, again: bool = False) -> JobState:
    """Start the run, or resume it if it died; a living or finished one is left alone.

    `again` also starts one that ended with an error.
    """
    return order(host, run, "start", *(["--again"] if again else []))


def poll(host: Host, run: str) -> JobState:
    """How the run stands."""
    return order(host, run, "status")


def cancel(host: Host, run: str) -> JobState:
    """End the run; one that has not started will not start."""
    return order(host, run, "cancel", timeout=CANCEL_SECONDS)


def fetch(host: Host, run: str, destination: Path) -> list[Path]:
    """Bring what the run made into `destination`, its manifest last; returns the files.

    With everything there and whole, the host is not contacted. Raises `NothingToDo` while nothing is ready.
    """
    record = destination / "manifest.json"
    if record.is_file():
        files = listed(json.loads(record.read_text(encoding="utf-8")), destination)
        if all(path.is_file() and sha256_of(path) == sha256 for path, sha256 in files.values()):
            return [path for path, _ in files.values()]
    manifest = poll(host, run).manifest
    if not manifest:
        raise NothingToDo(f"run {run} on host {host.name} has made nothing yet")
    files = listed(manifest, destination)
    for name, (path, sha256) in files.items():
        host.get(f"{job_folder(host, run)}/out/{name}", path, sha256)
    aside = record.with_name("manifest.json.part")
    aside.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    aside.replace(record)
    return [path for path, _ in files.values()]


def listed(manifest: Mapping[str, Any], destination: Path) -> dict[str, tuple[Path, str]]:
    """Where each file of a manifest goes, and its hash. A name that leads elsewhere is refused."""
    files = {}
    for name, entry in manifest["files"].items():
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or PurePosixPath(name).is_absolute() or name == "manifest.json":
            raise BadInput(f"the manifest names {name!r}, which is no place under {destination}")
        files[name] = (destination / name, str(entry["sha256"]))
    return files


def job_folder(host: Host, run: str) -> str:
    """Where a run lives over there."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", run):
        raise BadInput(f"{run!r} cannot be the name of a run", "use letters, digits, dots, dashes")
    return f"{host.home}/jobs/{run}"


def order(host: Host, run: str, what: str, *options: str, timeout: float | None = None) -> JobState:
    """Have the run's own `job.py` do one thing; returns the state that it prints."""
    folder = job_folder(host, run)
    done = host.python([f"{folder}/job.py", what, folder, *options], timeout)
    if done.exit_code == 2 and "can't open file" in done.stderr:
        return JobState("absent")
    if done.exit_code != 0:
        raise TonewrightError(f"run {run} on host {host.name} cannot be asked", done.last_error)
    return JobState(**json.loads(done.stdout.splitlines()[-1]))  # a login script may have had a word before
