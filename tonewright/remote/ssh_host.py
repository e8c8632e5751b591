"""A machine at the end of an SSH connection as a host, where every step ends within its time limit."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any

from tonewright.errors import TonewrightError, TryLater
from tonewright.remote import far, ssh
from tonewright.remote.host import (
    HASH_BYTES_PER_SECOND,
    CommandResult,
    HostReport,
    HostSettings,
    OnBytes,
    far_answer,
    far_words,
    no_python,
    part_name,
    report,
)
from tonewright.remote.waiting import Pulse, Silent, bounded

CHUNK = 1 << 17  # bytes per write: each is a sign of life, also on a slow line


class SshHost:
    """A `Host` reached over SSH: strict host keys, no terminal, no agent forwarding.

    The connection is opened by the first call and kept. A call that ends in doubt (a cut line, a time-out)
    throws the connection away and raises `TryLater`; the next call opens a new one.
    """

    def __init__(self, settings: HostSettings) -> None:
        self.settings = settings
        self.name = settings.name
        self.home = from_home(settings.root)
        self._connection: Any = None

    def __enter__(self) -> SshHost:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up. A peer that is frozen is not waited for."""
        self._hang_up()

    def check(self) -> HostReport:
        """Python, disk, PyTorch, GPU and boot of that machine."""
        return report(self)

    def python(self, args: Sequence[str], timeout: float | None = None) -> CommandResult:
        """Run that machine's Python with `args`; whatever they hold, its shell sees plain words."""
        command = self._command(args)

        def work(connection: Any, _pulse: Pulse) -> CommandResult:
            # No `timeout` here: invoke's timer would close the channel on a thread of its own and fail there.
            done = connection.run(command, hide=True, warn=True, pty=False, in_stream=False, encoding="utf-8")
            return CommandResult(done.exited, done.stdout, done.stderr)

        return self._call(work, timeout or self.settings.command_timeout)

    def put(self, local: Path, remote: str, on_bytes: OnBytes | None = None) -> None:
        """Send `local` to `remote`: into a part file, checked by hash over there, then renamed."""
        size, sha256 = local.stat().st_size, far.sha256_of(local)
        command = self._command(far_words("take", remote, part_name(remote, sha256), size, sha256))

        def said(done: int) -> None:
            if on_bytes:
                on_bytes(local.name, done, size)

        patience = self.settings.command_timeout + size / HASH_BYTES_PER_SECOND
        work = partial(upload, command=command, local=local, size=size)
        far_answer(self.name, self._call(work, patience, said))

    def get(self, remote: str, local: Path, sha256: str) -> None:
        """Fetch `remote` to `local`: into a part file, checked by hash, then renamed."""
        if local.is_file() and far.sha256_of(local) == sha256:
            return
        part = Path(part_name(str(local), sha256))
        far.make_private(local.parent)
        start = part.stat().st_size if part.is_file() else 0
        command = self._command(far_words("send", remote, start))
        work = partial(download, command=command, part=part, start=start)
        done = self._call(work, self.settings.command_timeout)
        if done.exit_code != 0:
            raise TonewrightError(f"host {self.name} cannot send {remote}", done.last_error)
        if "error" in far.settle(local, part, sha256):
            part.unlink()
            raise TryLater(f"{remote} came from host {self.name} with other bytes than its manifest says")

    def _command(self, args: Sequence[str]) -> str:
        return shlex.join([from_home(self.settings.python), *args])

    def _open(self) -> Any:
        connection = self._connection
        if connection is None or not connection.is_connected:
            self._hang_up()
            connection = ssh.connect(self.settings)
            self._connection = connection
            try:
                ssh.reach(self.settings, connection, lambda _pulse: connection.open())
            except BaseException:
                self._hang_up()
                raise
        return connection

    def _call(
        self,
        work: Callable[[Any, Pulse], CommandResult],
        seconds: float,
        on_done: Callable[[int], None] | None = None,
    ) -> CommandResult:
        """Do `work` on an open connection. Whatever leaves its outcome in doubt hangs up: `TryLater`."""
        from invoke import ThreadException
        from paramiko import SSHException

        connection = self._open()
        try:
            done = bounded(lambda pulse: work(connection, pulse), seconds, on_done)
            if done.exit_code == -1:  # paramiko's word for "the channel closed before it said how it ended"
                raise EOFError("the connection was cut")
        except (Silent, ThreadException, SSHException, EOFError, OSError) as e:
            self._hang_up()
            raise TryLater(
                f"the talk with host {self.name} ended early: {e or type(e).__name__}", "ask again later"
            ) from e
        except BaseException:
            self._hang_up()
            raise
        if done.exit_code in (126, 127):
            raise no_python(self.settings)
        return done

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # Closing says goodbye, and a frozen peer may take for ever to listen.
            Thread(target=ssh.close, args=(connection,), daemon=True).start()


def from_home(path: str) -> str:
    """A remote path as SSH sees it: commands start in the home folder, and a quoted `~` means nothing."""
    return path.removeprefix("~/")


def upload(connection: Any, pulse: Pulse, command: str, local: Path, size: int) -> CommandResult:
    """Run `command` (`take` of far.py) and send it the bytes of `local` that it has not yet."""
    channel = connection.create_session()
    channel.exec_command(command)
    answers = channel.makefile("rb")
    first = answers.readline()
    done = json.loads(first).get("offset", size) if first else size
    pulse.beat(done)
    try:
        with local.open("rb") as file:
            file.seek(done)
            while chunk := file.read(CHUNK):
                channel.sendall(chunk)
                done += len(chunk)
                pulse.beat(done)
        channel.shutdown_write()
    except OSError:
        pass  # it stopped listening: its exit status and its answer say why
    return ended(channel, (first + answers.read()).decode("utf-8", "replace"))


def download(connection: Any, pulse: Pulse, command: str, part: Path, start: int) -> CommandResult:
    """Run `command` and write what it prints into `part` from `start` on."""
    channel = connection.create_session()
    channel.exec_command(command)
    done = start
    with far.open_part(part, start) as file:
        while chunk := channel.recv(CHUNK):
            file.write(chunk)
            done += len(chunk)
            pulse.beat(done)
    return ended(channel, "")


def ended(channel: Any, answer: str) -> CommandResult:
    """How the command on `channel` ended, with what it complained about."""
    errors = channel.makefile_stderr("rb").read().decode("utf-8", "replace")
    return CommandResult(channel.recv_exit_status(), answer, errors)
