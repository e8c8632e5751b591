"""Keeps one training run alive on the machine that trains: claims it, watches it, records how it ended.

This one file is uploaded into the run's folder and needs nothing but Python 3.8 and the standard library:
`python job.py start JOBDIR` runs the command of spec.json, detached, and is safe to repeat; `status` and
`cancel` do what they say; each prints the state as one line of JSON.

Whether a run is alive is a lock on the file `claim`, held by the supervisor and inherited by the trainer. The
kernel frees it when the last of them is gone, by an exit, a `kill -9` or a power cut, so no pid is ever taken
for a living run. A pid is only used to send a signal, and only if the start time and the boot agree.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import signal
import sys
import time
import zipfile
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired, run
from types import FrameType
from typing import Any

ATTEMPTS = 3
BEAT = 2.0  # seconds between heartbeats
STALE = 30.0  # seconds without a heartbeat before a living run counts as frozen
GRACE = 10.0  # seconds between asking the trainer to stop and killing it
GAVE_UP = 70  # the rc of a run that died in each attempt
CANCELLED = 143  # the rc of a run that was cancelled, as a shell shows SIGTERM


def write(path: Path, text: str) -> None:
    """Write aside, flush to disk, rename: a reader sees the old text or the new."""
    aside = path.with_name(f"{path.name}.part.{os.getpid()}")
    with aside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def read(path: Path) -> str:
    """The text of a file, or nothing if it is not there."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8", errors="replace")
    return ""


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty if it is missing or not an object."""
    try:
        value = json.loads(read(path) or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def tail(path: Path, lines: int = 20) -> str:
    """The last lines of a log, of at most 8 KiB."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8192))
        return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])


def lock(job: Path, kind: int, seconds: float = 0.0) -> int | None:
    """A descriptor that holds the claim, or None if somebody else still does after `seconds`."""
    descriptor = os.open(str(job / "claim"), os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                return None
            time.sleep(0.05)


def ask(*words: str) -> str:
    """What a system command prints."""
    done = run(words, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, timeout=10, check=False)
    return done.stdout.decode("utf-8", "replace").strip()


def boot_id() -> str:
    """A name for this boot (Linux and WSL2: the kernel's; macOS: the boot session's)."""
    linux = Path("/proc/sys/kernel/random/boot_id")
    return read(linux).strip() if linux.is_file() else ask("sysctl", "-n", "kern.bootsessionuuid")


def started(pid: int) -> str:
    """When process `pid` started, in whatever unit this system gives; nothing if there is no such process."""
    if not Path("/proc/self/stat").is_file():
        return ask("ps", "-o", "lstart=", "-p", str(pid))
    fields = read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return fields[19] if fields else ""


def identity(pid: int) -> dict[str, Any]:
    """What tells this process from a later one that got the same pid."""
    return {"pid": pid, "started": started(pid), "boot": boot_id()}


def signal_group(pid: int, number: int) -> None:
    """Signal a process group, unless it is gone (macOS: not permitted once it is a zombie)."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def signal_recorded(process: dict[str, Any], number: int) -> None:
    """Signal the group of a recorded process if it is still the very process that was recorded."""
    if process.get("started") and process == dict(process, **identity(process["pid"])):
        signal_group(process["pid"], number)


def finish(job: Path, rc: int, error: str) -> None:
    """Record the end; `rc` is written last, and whoever sees it sees the reason too."""
    if error:
        write(job / "error.txt", error + "\n")
    write(job / "rc", f"{rc}\n")


def status(job: Path) -> dict[str, Any]:
    """The state of the run: absent, queued, running, stale (alive but silent), dead (no rc) or finished."""
    here = (job / "spec.json").is_file()
    claim = lock(job, fcntl.LOCK_SH) if here else None  # before rc: a supervisor writes rc, then lets go
    if claim is not None:
        os.close(claim)
    rc = read(job / "rc").strip()
    attempt = int(read_json(job / "process.json").get("attempt", 0))
    beat = job / "heartbeat"
    age = max(0.0, time.time() - beat.stat().st_mtime) if beat.is_file() else None
    if not here:
        state = "absent"
    elif rc:
        state = "finished"
    elif claim is None:
        state = "stale" if age is not None and age > STALE else "running"
    else:
        state = "dead" if attempt else "queued"
    return {
        "state": state,
        "rc": int(rc) if rc else None,
        "progress": read_json(job / "progress.json"),
        "heartbeat_age": age,
        "attempt": attempt,
        "log_tail": tail(job / "log"),
        "error": read(job / "error.txt").strip(),
        "manifest": read_json(job / "out" / "manifest.json"),
    }


def start(job: Path, python: str, *, again: bool) -> None:
    """Start the run, or resume one that died, unless it is alive, has ended or has used up its attempts.

    `again` also starts a run that ended with an error, with its attempts counted anew.
    """
    if not (job / "spec.json").is_file() or (claim := lock(job, fcntl.LOCK_EX, seconds=0.5)) is None:
        return
    try:
        rc = read(job / "rc").strip()
        if rc and not (again and rc != "0"):
            return
        attempt = 1 + (0 if rc else int(read_json(job / "process.json").get("attempt", 0)))
        if attempt > ATTEMPTS:
            why = read(job / "error.txt").strip() or "it left no reason; did the machine go down?"
            finish(job, GAVE_UP, f"gave up after {ATTEMPTS} attempts; the last: {why}")
            return
        os.chdir(str(job))
        (job / "heartbeat").touch()
        write(job / "process.json", json.dumps({"attempt": attempt}))
        for name in ("rc", "error.txt", "cancel"):
            (job / name).unlink(missing_ok=True)
        supervisor = [sys.executable, str(Path(__file__).resolve()), "supervise", str(job)]
        spawn([*supervisor, "--python", python, "--claim", str(claim)], job, claim, dict(os.environ))
    finally:
        os.close(claim)


def spawn(words: list[str], job: Path, claim: int, env: dict[str, str]) -> Popen[bytes]:
    """A process in a session of its own, out of reach of closing connections; it holds the claim and logs."""
    with (job / "log").open("ab") as log:
        return Popen(words, env=env, stdin=DEVNULL, stdout=log, stderr=log, start_new_session=True, pass_fds=[claim])


def prepare(job: Path) -> None:
    """Unpack `code.zip` into `code/`; link what `blobs.json` names from the shared store into `blobs/`."""
    code, links = job / "code", job / "blobs"
    if not code.is_dir():
        aside = job / f"code.part.{os.getpid()}"
        with zipfile.ZipFile(str(job / "code.zip")) as archive:
            archive.extractall(str(aside))
        aside.rename(code)
    links.mkdir(exist_ok=True)
    for name, sha256 in read_json(job / "blobs.json").items():
        link = links / name  # a name may be that of a file in a folder, such as weights/config.json
        if not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.relpath(job.parent.parent / "blobs" / sha256, link.parent))


def supervise(job: Path, python: str, claim: int) -> None:
    """Be the trainer's parent: heartbeat while it lives, a verdict when it ends."""
    asked: list[float] = []
    trainers: list[Popen[bytes]] = []

    def stop(_signal: int, _frame: FrameType | None) -> None:
        asked.append(time.monotonic())
        for trainer in trainers:
            signal_group(trainer.pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    process = dict(read_json(job / "process.json"), **identity(os.getpid()))
    write(job / "process.json", json.dumps(process))
    try:
        prepare(job)
        values = {"{python}": python, "{own}": sys.executable, "{job}": str(job)}
        words = [values.get(word, word) for word in map(str, read_json(job / "spec.json")["command"])]
        env = dict(os.environ, PYTHONPATH=str(job / "code"), PYTHONUNBUFFERED="1")
        trainers.append(trainer := spawn(words, job, claim, env))
    except Exception as error:
        finish(job, 1, f"the trainer did not start: {type(error).__name__}: {error}")
        return
    write(job / "process.json", json.dumps(dict(process, trainer=identity(trainer.pid))))
    code = None
    while code is None:
        (job / "heartbeat").touch()
        if asked and time.monotonic() - asked[0] > GRACE:
            signal_group(trainer.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutExpired):
            code = trainer.wait(timeout=BEAT)
    trainers.clear()
    signal_group(trainer.pid, signal.SIGKILL)  # helpers that outlive it would keep the GPU and the claim
    verdict(job, code, asked=bool(asked))


def verdict(job: Path, code: int, *, asked: bool) -> None:
    """Write rc if the trainer came to an end; one that was killed leaves none, so that it may be resumed."""
    if code == 0:
        finish(job, 0, "")
    elif (job / "cancel").exists():
        finish(job, CANCELLED, "cancelled")
    elif asked or code < 0:
        write(job / "error.txt", f"the trainer was ended by signal {abs(code) if code < 0 else 15}\n")
    else:
        last = tail(job / "log", lines=1)
        finish(job, code, "" if (job / "error.txt").exists() else f"the trainer ended with {code}: {last}")


def cancel(job: Path) -> None:
    """End the run: ask the supervisor, and if it does not answer, kill both process groups."""
    if not (job / "spec.json").is_file() or read(job / "rc"):
        return
    write(job / "cancel", "")
    process = read_json(job / "process.json")
    trainer = process.pop("trainer", {})
    signal_recorded(process, signal.SIGTERM)
    claim = lock(job, fcntl.LOCK_EX, seconds=GRACE + 2 * BEAT)
    if claim is None:
        signal_recorded(process, signal.SIGKILL)
        signal_recorded(trainer, signal.SIGKILL)
        claim = lock(job, fcntl.LOCK_EX, seconds=BEAT)
    if claim is not None:
        if not read(job / "rc"):
            finish(job, CANCELLED, "cancelled")
        os.close(claim)


def main() -> None:
    """Do what the first word says, then print the state as one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["start", "status", "cancel", "supervise"])
    parser.add_argument("job", type=lambda text: Path(text).resolve())
    parser.add_argument("--python", help="the Python that trains (default: what was set up here, else this one)")
    parser.add_argument("--again", action="store_true", help="start a run that ended with an error once more")
    parser.add_argument("--claim", type=int, help=argparse.SUPPRESS)
    words = parser.parse_args()
    os.umask(0o077)
    if words.what == "supervise":
        supervise(words.job, words.python, words.claim)
        return
    venv = words.job.parent.parent / "venv"  # what `tonewright host provision` made
    made = str(venv / "bin" / "python") if (venv / "ready.json").is_file() else sys.executable
    if words.what == "start":
        start(words.job, words.python or made, again=words.again)
    elif words.what == "cancel":
        cancel(words.job)
    sys.stdout.write(json.dumps(status(words.job)) + "\n")


if __name__ == "__main__":
    main()
