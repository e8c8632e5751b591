"""This machine as a host: the same job folders and the same commands, without a network."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from tonewright.errors import TryLater
from tonewright.process import clean_env
from tonewright.remote import far
from tonewright.remote.host import (
    CommandResult,
    HostReport,
    HostSettings,
    OnBytes,
    no_python,
    part_name,
    report,
)


class LocalHost:
    """A `Host` whose far side is a folder on this disk."""

    def __init__(self, settings: HostSettings) -> None:
        self.settings = settings
        self.name = settings.name
        self.home = str(Path.home() / Path(settings.root).expanduser())

    def __enter__(self) -> LocalHost:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """There is nothing to close."""

    def check(self) -> HostReport:
        """Python, disk, PyTorch, GPU and boot of this machine."""
        return report(self)

    def put(self, local: Path, remote: str, on_bytes: OnBytes | None = None) -> None:
        """Copy `local` to `remote`, aside first, then renamed."""
        copy(local, Path(remote), far.sha256_of(local))
        if on_bytes:
            on_bytes(local.name, local.stat().st_size, local.stat().st_size)

    def get(self, remote: str, local: Path, sha256: str) -> None:
        """Copy `remote`, whose hash must be `sha256`, to `local`, aside first, then renamed."""
        copy(Path(remote), local, sha256)

    def python(self, args: Sequence[str], timeout: float | None = None) -> CommandResult:
        """Run `python` with `args`, without our terminal and without Git's per-repository variables."""
        program = self.settings.python
        if "/" in program:
            program = str(Path.home() / Path(program).expanduser())
        if shutil.which(program) is None:
            raise no_python(self.settings)
        seconds = timeout or self.settings.command_timeout
        return run_here(shlex.join([program, *args]), seconds, f"host {self.name}")


def run_here(command: str, seconds: float, who: str) -> CommandResult:
    """Run a shell command through the local half of Fabric, so that one machine rehearses what two will do.

    Raises `TryLater` when it does not end within `seconds`.
    """
    from invoke import Context
    from invoke.exceptions import CommandTimedOut
    from invoke.runners import Local

    runner = Local(Context())
    try:
        done = runner.run(
            command, hide=True, warn=True, in_stream=False, timeout=seconds, env=clean_env(), replace_env=True
        )
    except CommandTimedOut as e:
        raise TryLater(f"{who} did not answer within {seconds:.0f} s") from e
    finally:
        # The runner leaves its pipes to the garbage collector, which complains of each.
        for pipe in (runner.process.stdin, runner.process.stdout, runner.process.stderr):
            pipe.close()
    return CommandResult(done.exited, done.stdout, done.stderr)


def copy(source: Path, goal: Path, sha256: str) -> None:
    """Make `goal` hold the bytes of `source`, which must have the hash `sha256`, unless it does already."""
    if far.holds(goal, source.stat().st_size, sha256):
        return
    part = Path(part_name(str(goal), sha256))
    far.make_private(goal.parent)
    try:
        shutil.copyfile(source, part)
        answer = far.settle(goal, part, sha256)
    except OSError as e:
        raise TryLater(f"{source} could not be copied to {goal}", str(e)) from e
    if "error" in answer:
        raise TryLater(f"{source} does not hold the bytes that it should", answer["error"])
