"""A real OpenSSH server with throw-away keys, and runs with a stand-in for the trainer."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.conftest import until
from tonewright.remote import job as supervisor
from tonewright.remote.courier import JobState, pack_code, poll, ship
from tonewright.remote.host import Host, HostSettings, open_host

LAPTOP = """
[hosts.laptop]
address = "{0.address}"
user = "{0.user}"
port = {0.port}
identity = "{0.identity}"
python = "{0.python}"
root = "{0.root}"
"""
COMMAND = ["{python}", "-m", "tonewright.training", "{job}"]


@pytest.fixture(autouse=True)
def no_agent(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No ssh agent of whoever runs the tests has a say in them; `home` sees to the ssh config."""
    (home / ".ssh").mkdir(mode=0o700)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


def wait_for(host: Host, run: str, *states: str) -> JobState:
    """Poll until the run is in one of `states`."""
    seen = [poll(host, run)]
    until(lambda: seen[-1].state in states or seen.append(poll(host, run)))
    return seen[-1]


def make_key(path: Path, kind: str = "ed25519") -> Path:
    """A key pair without a passphrase."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
    return path


@dataclass
class Sshd:
    """An OpenSSH server on a loopback port that can be cut, frozen and given another key."""

    folder: Path
    program: str
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Listen; returns once connections are accepted. HOME keeps the real ~/.bashrc and the like out."""
        config = self.folder / "sshd_config"
        config.write_text(
            f"""Port {self.port}
ListenAddress 127.0.0.1
HostKey {self.folder / "host_key"}
AuthorizedKeysFile {self.folder / "user_key.pub"}
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
MaxStartups 100
SetEnv HOME={self.folder}
""",
            encoding="utf-8",
        )
        with (self.folder / "sshd.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "-D", "-e", "-f", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(self.answers)

    @property
    def fingerprint(self) -> str:
        """Of the host key, as the author reads it off that machine."""
        words = ["ssh-keygen", "-lf", str(self.folder / "host_key.pub")]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[1]

    def answers(self) -> bool:
        """Whether somebody listens."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def connections(self) -> list[int]:
        """The server processes behind open connections."""
        assert self.process is not None
        table = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,comm="], check=True, capture_output=True, text=True
        ).stdout
        family, found = {self.process.pid}, []
        for line in sorted(table.splitlines(), key=lambda row: int(row.split()[0])):
            pid, parent, name = line.split(None, 2)
            if int(parent) in family and Path(name).name.startswith("sshd"):
                family.add(int(pid))
                found.append(int(pid))
        return found

    def send(self, number: signal.Signals, *, listener: bool = False) -> int:
        """Signal every connection (and the listener); returns how many connections there were."""
        assert self.process is not None
        pids = self.connections()
        for pid in [*pids, *([self.process.pid] if listener else [])]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        return len(pids)

    def cut(self) -> int:
        """Cut every connection, as a pulled cable with a reset does."""
        return self.send(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop answering without hanging up, as a laptop does that falls asleep."""
        self.send(signal.SIGSTOP, listener=True)

    def thaw(self) -> None:
        """Wake up again."""
        self.send(signal.SIGCONT, listener=True)

    def stop(self) -> None:
        """Cut everything and listen no more."""
        if self.process is not None:
            self.thaw()
            self.cut()
            self.process.kill()
            self.process.wait()
            self.process = None

    def new_host_key(self) -> None:
        """Come back with another host key, as after a new installation."""
        self.stop()
        for name in ("host_key", "host_key.pub"):
            (self.folder / name).unlink()
        make_key(self.folder / "host_key")
        self.start()


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """A running OpenSSH server that lets this user in with one key."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if program is None or shutil.which("ps") is None:
        pytest.skip("OpenSSH's server (openssh-server) or ps is not installed")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd started by root insists on it
    folder = tmp_path / "sshd"
    folder.mkdir(mode=0o700)
    make_key(folder / "host_key")
    make_key(folder / "user_key")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Sshd(folder, program, port)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def silence(root: Path) -> None:
    """End whatever a test left running under a host's root folder."""
    for folder in sorted((root / "jobs").glob("*")):
        if (folder / "job.py").is_file():
            subprocess.run(
                [sys.executable, str(folder / "job.py"), "cancel", str(folder)],
                check=True,
                capture_output=True,
            )


@pytest.fixture
def local_settings(tmp_path: Path) -> Iterator[HostSettings]:
    """This machine as a host."""
    root = tmp_path / "host root"
    yield HostSettings(name="local", python=sys.executable, root=str(root), known_hosts=tmp_path / "known")
    silence(root)


@pytest.fixture
def stranger(sshd: Sshd, tmp_path: Path) -> Iterator[HostSettings]:
    """This machine behind SSH, with a host key that nobody has enrolled yet."""
    root = tmp_path / "host root"
    yield HostSettings(
        name="gpu",
        address="127.0.0.1",
        user=pwd.getpwuid(os.geteuid()).pw_name,
        port=sshd.port,
        python=sys.executable,
        root=str(root),
        known_hosts=tmp_path / "state" / "known_hosts",
        identity=sshd.folder / "user_key",
        connect_timeout=5.0,
        command_timeout=10.0,
    )
    sshd.thaw()
    silence(root)


@pytest.fixture
def ssh_settings(stranger: HostSettings) -> HostSettings:
    """This machine behind SSH, with its host key enrolled."""
    from tonewright.remote.ssh import fingerprint, trust

    trust(stranger, fingerprint(stranger)[1])
    return stranger


@pytest.fixture
def hasty(ssh_settings: HostSettings) -> HostSettings:
    """The same, with limits short enough to wait for."""
    return replace(ssh_settings, connect_timeout=2.0, command_timeout=2.0)


@pytest.fixture
def local_host(local_settings: HostSettings) -> Iterator[Host]:
    """This machine, ready to take runs."""
    with open_host(local_settings) as host:
        yield host


@pytest.fixture
def ssh_host(ssh_settings: HostSettings) -> Iterator[Host]:
    """This machine behind SSH, ready to take runs."""
    with open_host(ssh_settings) as host:
        yield host


@dataclass
class Run:
    """One run: its inputs, and its folder on the host's disk (which the tests can see)."""

    name: str
    inputs: Path
    there: Path
    blobs: dict[str, Path] = field(default_factory=dict)

    def ship(self, host: Host) -> None:
        """Send it."""
        ship(host, self.inputs, self.name, self.blobs)

    @property
    def starts(self) -> list[int]:
        """The pid of every trainer that ever started for it."""
        return [int(line) for line in supervisor.read(self.there / "starts").split()]


MakeRun = Callable[..., Run]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Make a run whose trainer takes `steps` steps of `pause` seconds; other words go into its spec."""
    package = tmp_path / "package" / "tonewright"
    (package / "training").mkdir(parents=True)
    for name in ("__init__.py", "training/__init__.py"):
        (package / name).write_text("", encoding="utf-8")
    shutil.copy(Path(__file__).with_name("trainer.py"), package / "training" / "__main__.py")
    base = tmp_path / "base.gguf"
    base.write_bytes(bytes(range(256)) * 4096)

    def make(name: str = "run-1", steps: int = 5, pause: float = 0.05, **spec: object) -> Run:
        inputs = tmp_path / "inputs" / name
        inputs.mkdir(parents=True)
        spec.update(command=COMMAND, steps=steps, pause=pause)
        (inputs / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
        (inputs / "train.jsonl").write_text('{"text": "naïve “quotes”"}\n', encoding="utf-8")
        pack_code(inputs, package)
        return Run(name, inputs, tmp_path / "host root" / "jobs" / name, {"base.gguf": base})

    return make
