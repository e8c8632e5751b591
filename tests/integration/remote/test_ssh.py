"""What a connection may do to us: strangers, cuts, freezes, silence."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.conftest import Tell, until
from tests.integration.remote.conftest import MakeRun, Sshd, make_key, wait_for
from tonewright.errors import ConfigError, Missing, TonewrightError, TryLater
from tonewright.remote.courier import fetch, poll, start
from tonewright.remote.far import sha256_of
from tonewright.remote.host import Host, HostSettings, open_host
from tonewright.remote.job import read_json
from tonewright.remote.keys import HostKeyError
from tonewright.remote.ssh import fingerprint, trust

pytestmark = pytest.mark.sshd

MIB = 1 << 20
BOUND = 30.0  # seconds after which a call counts as one that does not end
T = TypeVar("T")


def blob(path: Path, mebibytes: int, seed: int = 1) -> Path:
    """A file of random bytes."""
    chunk = random.Random(seed).randbytes(MIB)
    with path.open("wb") as file:
        for number in range(mebibytes):
            file.write(number.to_bytes(4, "big") + chunk[4:])
    return path


def answers(host: Host) -> bool:
    """Whether the host does what it is asked."""
    return json.loads(host.python(["-c", "print(42)"]).stdout) == 42


def test_unknown_key_is_refused(stranger: HostSettings) -> None:
    """A machine that nobody has enrolled gets nothing, and the error says how to enrol it."""
    with (
        open_host(stranger) as host,
        pytest.raises(HostKeyError, match="tonewright host add gpu") as caught,
    ):
        answers(host)
    assert caught.value.exit_code == 1
    assert fingerprint(stranger)[1] in str(caught.value)


def test_trusted_key_is_accepted(stranger: HostSettings, sshd: Sshd) -> None:
    """After `trust` the machine answers, and the key file holds just the key that the server really has."""
    kind, shown = fingerprint(stranger)
    assert trust(stranger, shown) == (kind, shown)
    with open_host(stranger) as host:
        assert answers(host)
    words = stranger.known_hosts.read_text().split()
    assert words == [f"[127.0.0.1]:{sshd.port}", *(sshd.folder / "host_key.pub").read_text().split()[:2]]
    assert stranger.known_hosts.stat().st_mode & 0o077 == 0


def test_key_that_the_author_already_knows_is_accepted(stranger: HostSettings, sshd: Sshd, home: Path) -> None:
    """An entry in the author's own ~/.ssh/known_hosts is as good as ours."""
    key = (sshd.folder / "host_key.pub").read_text()
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{sshd.port} {key}")
    with open_host(stranger) as host:
        assert answers(host)


def test_changed_key_is_refused_until_enrolled_again(ssh_settings: HostSettings, sshd: Sshd) -> None:
    """Another key under a known name gets nothing; a key other than the one agreed to is not enrolled."""
    agreed = fingerprint(ssh_settings)[1]
    sshd.new_host_key()
    with open_host(ssh_settings) as host, pytest.raises(HostKeyError, match="another key than before"):
        answers(host)
    with pytest.raises(HostKeyError):
        trust(ssh_settings, agreed)
    trust(ssh_settings, fingerprint(ssh_settings)[1])
    with open_host(ssh_settings) as host:
        assert answers(host)


def test_ssh_config_is_honoured(stranger: HostSettings, sshd: Sshd, home: Path) -> None:
    """Address, port, user and identity may all come from the author's ssh config."""
    (home / ".ssh" / "config").write_text(
        f"Host laptop\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {stranger.user}\n"
        f"  IdentityFile {stranger.identity}\n  IdentityFile ~/.ssh/key_of_another_machine\n"
    )
    settings = replace(stranger, address="laptop", port=0, user="", identity=None)
    trust(settings)
    with open_host(settings) as host:
        assert answers(host)


def test_jump_host_must_be_known_too(stranger: HostSettings, sshd: Sshd, home: Path) -> None:
    """A connection through a jump host works when its key is known, and is refused when it is not."""
    (home / ".ssh" / "config").write_text(
        f"Host laptop\n  HostName localhost\n  Port {sshd.port}\n  ProxyJump 127.0.0.1:{sshd.port}\n"
        f"Host *\n  User {stranger.user}\n  IdentityFile {stranger.identity}\n"
    )
    settings = replace(stranger, address="laptop", port=0, user="", identity=None)
    with pytest.raises(HostKeyError, match="once"):
        trust(settings)
    key = (sshd.folder / "host_key.pub").read_text()
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{sshd.port} {key}")
    trust(settings)
    with open_host(settings) as host:
        assert answers(host)


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_wrong_user_key_is_an_error(ssh_settings: HostSettings, tmp_path: Path, kind: str) -> None:
    """A key that the machine does not let in is something to mend, not something to wait for."""
    settings = replace(ssh_settings, identity=make_key(tmp_path / "other_key", kind))
    with open_host(settings) as host, pytest.raises(TonewrightError, match="did not let us in") as caught:
        answers(host)
    assert caught.value.exit_code == 1


def test_no_user_key_at_all_is_an_error(ssh_settings: HostSettings) -> None:
    """Without any key to show, the error says where keys are set; a named one that is not there is named."""
    none = open_host(replace(ssh_settings, identity=None))
    with none as host, pytest.raises(TonewrightError, match="identity"):
        answers(host)
    absent = open_host(replace(ssh_settings, identity=Path("~/nowhere")))
    with absent as host, pytest.raises(ConfigError, match="nowhere"):
        answers(host)


def test_missing_python_is_an_error(ssh_settings: HostSettings) -> None:
    """A `python` that is not there is named, with where to set it."""
    settings = replace(ssh_settings, python="/nowhere/python3")
    with open_host(settings) as host, pytest.raises(Missing, match="/nowhere/python3"):
        answers(host)


def test_nobody_listening_means_later(hasty: HostSettings, sshd: Sshd) -> None:
    """A machine that is off is a reason to try later, and it is used as soon as it is back."""
    sshd.stop()
    with open_host(hasty) as host:
        with pytest.raises(TryLater) as caught:
            answers(host)
        assert caught.value.exit_code == 75
        sshd.start()
        assert answers(host)


def test_name_that_does_not_resolve_means_later(hasty: HostSettings) -> None:
    """A laptop whose name the network does not know right now is asleep or away."""
    with open_host(replace(hasty, address="laptop.invalid")) as host, pytest.raises(TryLater):
        answers(host)


@pytest.mark.timeout(30)
def test_frozen_machine_means_later(hasty: HostSettings, sshd: Sshd) -> None:
    """A peer that accepts and says nothing ends in `TryLater`, on an open connection and on a new one."""
    with open_host(hasty) as host:
        assert answers(host)
        sshd.freeze()
        for _ in range(2):
            with pytest.raises(TryLater):
                answers(host)
        sshd.thaw()
        assert answers(host)


@pytest.mark.timeout(60)
def test_frozen_upload_goes_on_after_waking(hasty: HostSettings, sshd: Sshd, tmp_path: Path) -> None:
    """A machine that falls asleep during an upload ends in `TryLater`; awake again, the rest is sent."""
    source, goal = blob(tmp_path / "model", 24), tmp_path / "host root" / "model"
    with open_host(hasty) as host:
        with pytest.raises(TryLater):
            host.put(source, str(goal), lambda _name, _done, _total: sshd.freeze())
        assert not goal.exists()
        sshd.thaw()
        host.put(source, str(goal))
    assert sha256_of(goal) == sha256_of(source)


def test_cut_upload_leaves_the_old_file_and_goes_on(
    ssh_host: Host, sshd: Sshd, tmp_path: Path, make_run: MakeRun
) -> None:
    """A connection cut during an upload tears nothing: the old bytes stay until the new are whole."""
    source, goal = blob(tmp_path / "model", 24), tmp_path / "host root" / "model"
    goal.parent.mkdir()
    goal.write_bytes(b"the model of last week")
    with pytest.raises(TryLater):
        ssh_host.put(source, str(goal), lambda _name, _done, _total: sshd.cut())
    assert goal.read_bytes() == b"the model of last week"
    [part] = goal.parent.glob("model.part.*")
    kept = part.stat().st_size
    assert 0 < kept < source.stat().st_size
    told: list[int] = []
    ssh_host.put(source, str(goal), lambda _name, done, _total: told.append(done))
    assert sha256_of(goal) == sha256_of(source)
    assert told[0] >= kept
    assert list(goal.parent.glob("*")) == [goal]


def test_damaged_part_heals(ssh_host: Host, tmp_path: Path) -> None:
    """Wrong bytes in a part file (a power cut, say) cost one more try and never reach the final name."""
    source, goal = blob(tmp_path / "model", 2), tmp_path / "host root" / "model"
    goal.parent.mkdir()
    part = goal.with_name(f"model.part.{sha256_of(source)[:16]}")
    part.write_bytes(bytes(MIB))
    with pytest.raises(TryLater):
        ssh_host.put(source, str(goal))
    assert not goal.exists()
    ssh_host.put(source, str(goal))
    assert sha256_of(goal) == sha256_of(source)


def test_fetched_file_with_wrong_bytes_is_not_taken(ssh_host: Host, tmp_path: Path) -> None:
    """A file that does not have the hash of its manifest never appears under its name."""
    source = blob(tmp_path / "host model", 1)
    with pytest.raises(TryLater, match="other bytes"):
        ssh_host.get(str(source), tmp_path / "model", "0" * 64)
    assert not (tmp_path / "model").exists()
    ssh_host.get(str(source), tmp_path / "model", sha256_of(source))
    assert sha256_of(tmp_path / "model") == sha256_of(source)


def test_run_outlives_its_connection(ssh_settings: HostSettings, sshd: Sshd, make_run: MakeRun) -> None:
    """A run goes on when the connection that started it is cut; a new one sees its progress and its end."""
    run = make_run(steps=40)
    with open_host(ssh_settings) as host:
        run.ship(host)
        start(host, run.name)
        until(lambda: run.starts)
        assert sshd.cut() > 0
        until(lambda: not sshd.connections())
    with open_host(ssh_settings) as host:
        assert poll(host, run.name).state == "running"
        ended = wait_for(host, run.name, "finished")
    assert (ended.rc, ended.progress["step"], len(run.starts)) == (0, 40, 1)


@dataclass
class Storm:
    """Cuts connections and freezes the machine at random moments, until it has done so as often as it was asked."""

    sshd: Sshd
    cuts_wanted: int
    freezes_wanted: int
    cuts: int = 0
    freezes: int = 0
    calm: threading.Event = field(default_factory=threading.Event)  # a call came to its end since the last strike
    there: Path = Path()  # the run's folder over there

    @property
    def over(self) -> bool:
        """Whether it has raged enough."""
        return self.cuts >= self.cuts_wanted and self.freezes >= self.freezes_wanted

    def rage(self) -> None:
        """Half of the freezes take the trainer and its supervisor too, as a laptop that falls asleep does.

        Between two strikes one call at least gets through: else all of them would hit somebody who says hello.
        """
        chance = random.Random(20)
        while not self.over:
            self.calm.wait(5.0)
            time.sleep(chance.uniform(0.0, 0.8))
            self.calm.clear()
            share = self.freezes_wanted / (self.cuts_wanted + self.freezes_wanted)
            if self.freezes < self.freezes_wanted and chance.random() < share:
                whole = chance.random() < 0.5
                stopped = self.processes() if whole else []
                self.sshd.freeze()
                signal_all(stopped, signal.SIGSTOP)
                time.sleep(chance.uniform(2.2, 3.2))
                signal_all(stopped, signal.SIGCONT)
                self.sshd.thaw()
                self.freezes += 1
            elif self.cuts < self.cuts_wanted:
                self.cuts += self.sshd.cut() > 0

    def processes(self) -> list[int]:
        """The run's supervisor and trainer."""
        recorded = read_json(self.there / "process.json")
        return [each["pid"] for each in (recorded, recorded.get("trainer", {})) if "pid" in each]


def signal_all(pids: list[int], number: signal.Signals) -> None:
    """Signal processes, some of which may have ended."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def weather(storm: Storm, settings: HostSettings, make_run: MakeRun, tmp_path: Path) -> dict[str, int]:
    """Run after run goes there and comes back while the storm rages; returns what became of them."""
    sums = dict.fromkeys(("runs", "calls", "later", "lost", "doubled", "torn", "endless"), 0)

    def bounded(work: Callable[..., T], *given: Any) -> T:
        begun = time.monotonic()
        try:
            done = work(*given)
            storm.calm.set()
            return done
        finally:
            sums["calls"] += 1
            sums["endless"] += time.monotonic() - begun > BOUND

    thread = threading.Thread(target=storm.rage, daemon=True)
    thread.start()
    with open_host(settings) as host:
        while not storm.over:
            sums["runs"] += 1
            run = make_run(f"run-{sums['runs']}", steps=10, pause=0.1)
            run.blobs["base.gguf"] = blob(tmp_path / f"base-{sums['runs']}", 12, seed=sums["runs"])
            storm.there = run.there
            files: list[Path] = []
            while not files:
                try:
                    bounded(run.ship, host)
                    bounded(start, host, run.name)
                    ended = bounded(poll, host, run.name)
                    while ended.state not in ("finished", "dead"):
                        time.sleep(0.1)
                        ended = bounded(poll, host, run.name)
                    sums["lost"] += ended.state != "finished" or ended.rc != 0
                    files = bounded(fetch, host, run.name, tmp_path / "fetched" / run.name)
                except TryLater:
                    sums["later"] += 1
            sums["doubled"] += len(run.starts) > 1
            sums["torn"] += files[0].read_bytes() != run.blobs["base.gguf"].read_bytes()[::-1]
    thread.join()
    return sums


UNHARMED = {"lost": 0, "doubled": 0, "torn": 0, "endless": 0}


@pytest.mark.timeout(120)
def test_some_cuts_and_a_freeze(hasty: HostSettings, sshd: Sshd, make_run: MakeRun, tmp_path: Path) -> None:
    """What the proof below does a hundred times."""
    sums = weather(Storm(sshd, cuts_wanted=4, freezes_wanted=1), hasty, make_run, tmp_path)
    assert {name: sums[name] for name in UNHARMED} == UNHARMED


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_a_hundred_cuts_and_twenty_freezes(
    hasty: HostSettings, sshd: Sshd, make_run: MakeRun, tmp_path: Path, tell: Tell
) -> None:
    """Whatever moment a connection is cut or frozen at, each run trains exactly once and comes back whole."""
    storm = Storm(sshd, cuts_wanted=100, freezes_wanted=20)
    sums = weather(storm, hasty, make_run, tmp_path)
    tell(
        f"{storm.cuts} cuts, {storm.freezes} freezes over {sums['runs']} runs: {sums['lost']} lost, "
        f"{sums['doubled']} doubled, {sums['torn']} torn; {sums['later']} of {sums['calls']} calls were told to try "
        f"later, {sums['endless']} took more than {BOUND:.0f} s"
    )
    assert {name: sums[name] for name in UNHARMED} == UNHARMED
