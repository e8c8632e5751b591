"""What a machine that trains must be able to do, whether it is this one or one at the end of a cable."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from tonewright.errors import Missing, TonewrightError, TryLater
from tonewright.remote import far

# Called with a file's name, the bytes that are over there already, and the bytes in all.
OnBytes = Callable[[str, int, int], None]

PROBE_SECONDS = 60.0  # a cold `import torch` from a slow disk
HASH_BYTES_PER_SECOND = 20_000_000.0  # what a slow disk reads while it checks a hash and no byte moves


@dataclass(frozen=True, kw_only=True)
class HostSettings:
    """How one machine is reached; times in seconds. What is left empty comes from the author's ssh config."""

    name: str
    address: str = ""  # empty: this machine
    user: str = ""
    port: int = 0
    python: str = "python3"
    root: str = "tonewright"  # relative paths are from the home folder over there
    known_hosts: Path  # our own; the author's ~/.ssh/known_hosts is read as well
    identity: Path | None = None
    connect_timeout: float = 10.0
    command_timeout: float = 30.0


@dataclass(frozen=True)
class CommandResult:
    """How a command ended, and what it printed."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def last_error(self) -> str:
        """The last line that it complained with: in Python, the error itself."""
        return (self.stderr.strip().splitlines() or [""])[-1]


@dataclass(frozen=True)
class HostReport:
    """What a machine offers a training run: the first lines as its system tells, `torch` and `gpu` as PyTorch does.

    `gpus` are those that the driver shows: name, total and free bytes. `torch` and `gpu` are None where there is none
    that training can use; `bfloat16` is whether that GPU multiplies it. `ready` is the digest of what `host provision`
    installed, or empty.
    """

    name: str
    system: str
    python: str
    free_bytes: int
    ram_bytes: int
    ram_free_bytes: int
    cores: int
    gpus: list[dict[str, Any]]
    torch: str | None
    gpu: str | None
    gpu_free_bytes: int
    bfloat16: bool
    ready: str
    ensurepip: bool
    boot: str


class Host(Protocol):
    """One machine. Every call ends within its time limit; what is unknown or absent is `TryLater`.

    Remote paths are POSIX and start with `home`. It is a context manager, so that connections get closed.
    """

    name: str
    home: str

    def __enter__(self) -> Host: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def check(self) -> HostReport:
        """Python, disk, PyTorch, GPU and boot of this machine."""
        ...

    def put(self, local: Path, remote: str, on_bytes: OnBytes | None = None) -> None:
        """Make `remote` hold the bytes of `local`: all of them under that name, or nothing new.

        Sends nothing when they are there already, and goes on where an interrupted call left off.
        """
        ...

    def get(self, remote: str, local: Path, sha256: str) -> None:
        """Make `local` hold the bytes of `remote`, whose hash must be `sha256`; same promises as `put`."""
        ...

    def python(self, args: Sequence[str], timeout: float | None = None) -> CommandResult:
        """Run that machine's Python with `args`. Raises `Missing` when there is no such Python."""
        ...


def open_host(settings: HostSettings) -> Host:
    """The machine that `settings` describe; nothing is contacted before the first call."""
    if not settings.address:
        from tonewright.remote.local import LocalHost

        return LocalHost(settings)
    from tonewright.remote.ssh_host import SshHost

    return SshHost(settings)


def far_words(*words: object) -> list[str]:
    """The arguments that make a Python over there answer one question of `far.py`."""
    return ["-c", Path(far.__file__).read_text(encoding="utf-8"), *map(str, words)]


def far_answer(host: str, done: CommandResult) -> dict[str, Any]:
    """The JSON object that `far.py` printed. A full disk or a torn transfer over there is `TryLater`."""
    if done.exit_code != 0:
        raise TonewrightError(f"host {host}: Python ended with {done.exit_code}", done.last_error)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if "error" in answer:
        raise TryLater(f"host {host}: {answer['error']}")
    return answer


def part_name(path: str, sha256: str) -> str:
    """Where the bytes of `path` are gathered. The hash in the name keeps two different contents apart."""
    return f"{path}.part.{sha256[:16]}"


def report(host: Host) -> HostReport:
    """Ask `host` what it offers."""
    answer = far_answer(host.name, host.python(far_words("probe", host.home), PROBE_SECONDS))
    return HostReport(name=host.name, **answer)


def no_python(settings: HostSettings) -> Missing:
    """The error for a `python` setting that leads nowhere."""
    return Missing(
        f"host {settings.name} has no Python called {settings.python}",
        f"set `python` under [hosts.{settings.name}] to one that has the `train` extra",
    )
