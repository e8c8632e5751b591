"""A long conversation with one program on another machine: a line there, a line back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tonewright.errors import TonewrightError
from tonewright.remote import ssh
from tonewright.remote.host import HostSettings

SILENCE_SECONDS = 60.0  # after this long without an answer the connection is given up


@contextmanager
def talk(settings: HostSettings, command: str) -> Iterator[Callable[[bytes], bytes]]:
    """Run `command` on the host; gives a function that sends a line ("": nothing) and returns the next line from there.

    That function returns b"" once the connection is lost. Raises `TryLater` when the host cannot be reached, and
    `TonewrightError` with the program's own words when it ends before it has said anything.
    """
    from paramiko import SSHException

    connection = ssh.connect(settings)
    try:
        ssh.reach(settings, connection, lambda _pulse: connection.open())
        channel = connection.client.get_transport().open_session(timeout=settings.connect_timeout)
        channel.settimeout(SILENCE_SECONDS)
        channel.exec_command(command)
        lines = channel.makefile("rb")

        def exchange(line: bytes) -> bytes:
            try:
                if line:
                    channel.sendall(line)
                answer: bytes = lines.readline()
            except (OSError, EOFError, SSHException):
                return b""
            return answer

        first = exchange(b"")
        if not first:
            said = channel.makefile_stderr("rb").read().decode(errors="replace").strip().splitlines()
            raise TonewrightError(
                f"host {settings.name}: `{command}` ended at once ({said[-1] if said else 'without a word'})",
                "install this version of tonewright there, or tell with --program how it is called",
            )
        waiting = [first]
        yield lambda line: waiting.pop() if not line and waiting else exchange(line)
    finally:
        ssh.close(connection)
